"""FileFacts: what the container of an image file says that its decoded pixels no longer tell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from PIL import Image


@dataclass(frozen=True, slots=True, kw_only=True)
class FileFacts:
    """Facts about one file.

    width and height are the file's own pixels, before EXIF orientation and before any reduced decoding; bytes is the
    size of the file; orientation is the EXIF value 1..8. quantization holds a JPEG's tables, as Pillow gives them,
    and is None for other formats.
    """

    width: int
    height: int
    bytes: int
    orientation: int = 1
    quantization: Mapping[int, Sequence[int]] | None = None

    @property
    def turned(self) -> bool:
        """Tell whether the orientation swaps width and height."""
        return self.orientation in (5, 6, 7, 8)


def read_facts(image: Image.Image, byte_count: int, *, orientation: int = 1) -> FileFacts:
    """Take the facts from a freshly opened image, before `draft()`, `load()` or any conversion changes it.

    byte_count is the size of the whole file; orientation is the EXIF value 1..8, which the caller has read already.
    """
    return FileFacts(
        width=image.width,
        height=image.height,
        bytes=byte_count,
        orientation=orientation,
        quantization=getattr(image, "quantization", None) or None,
    )
