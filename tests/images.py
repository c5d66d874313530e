"""Image files that tests make up."""

from __future__ import annotations

import io

from PIL import Image


def a_png(number: int) -> bytes:
    """Return a small PNG that differs from that of every other number."""
    file = io.BytesIO()
    Image.new("RGB", (80, 60), (number % 256, number // 256, 99)).save(file, "PNG")
    return file.getvalue()
