"""The thumbnail of an image: JPEG, upright, transparency laid on the ground of the working copy."""

from __future__ import annotations

from io import BytesIO

from PIL import Image

QUALITY = 80


def thumbnail(preview: Image.Image) -> bytes:
    """Encode the preview of a working copy, L or RGB.

    JPEG takes a tenth of the time of WebP (0.12 ms instead of 1.2 ms). Colour profiles are not applied: wide-gamut and
    CMYK pictures look paler or harder than in a viewer that does.
    """
    with BytesIO() as file:
        preview.save(file, "JPEG", quality=QUALITY)
        return file.getvalue()
