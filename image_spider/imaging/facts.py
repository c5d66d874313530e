"""FileFacts: what the header and the container of an image file say, before its pixels are looked at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from PIL import Image

_ALPHA_MODES = frozenset({"LA", "La", "PA", "RGBA", "RGBa"})


@dataclass(frozen=True, slots=True, kw_only=True)
class FileFacts:
    """Facts about one file that the decoded pixels no longer tell.

    width and height are the file's own pixels, before EXIF orientation and before any reduced decoding. format and
    mode are Pillow's names ("JPEG", "RGB"). quantization holds a JPEG's tables, as Pillow gives them, else None.
    """

    format: str
    width: int
    height: int
    bytes: int
    mode: str
    has_alpha: bool
    orientation: int = 1
    quantization: Mapping[int, Sequence[int]] | None = None

    @property
    def pixels(self) -> int:
        """Count the file's pixels."""
        return self.width * self.height


def read_facts(image: Image.Image, byte_count: int, *, orientation: int = 1) -> FileFacts:
    """Take the facts from a freshly opened image, before `draft()`, `load()` or any conversion changes it.

    byte_count is the size of the whole file; orientation is the EXIF value 1..8, which the caller has read already.
    """
    width, height = image.size
    return FileFacts(
        format=image.format or "",
        width=width,
        height=height,
        bytes=byte_count,
        mode=image.mode,
        has_alpha=image.mode in _ALPHA_MODES or "transparency" in image.info,
        orientation=orientation,
        quantization=getattr(image, "quantization", None) or None,
    )
