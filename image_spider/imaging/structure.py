"""What a file's own structure says about its image, before any pixel is decoded."""

from __future__ import annotations

from dataclasses import dataclass

from image_spider.imaging.integrity import BOMB, CORRUPT, Damaged

# A structure of more parts (chunks, sub-blocks, segments) than this is refused, so that walking one takes less than
# about half a second: a GIF of 250 MB in full sub-blocks stays below it.
MAX_PARTS = 1_000_000
# Bytes behind the end of an image that are padding or the newline of an upload, and hold nothing.
PADDING = b"\x00\t\n\r \x1a"


@dataclass(frozen=True, slots=True)
class Structure:
    """The reading of one image file that is whole as far as its structure tells.

    width and height are the stored pixels, before orientation (EXIF 1..8) is applied. trailing is the number of
    significant bytes behind the image's end. pixels is the file for the decoder: only what decoding needs, so that
    broken or hostile metadata never reaches it; it is empty for a format that is not decoded. decoder names the
    decoder when it is not that of the format.
    """

    width: int
    height: int
    pixels: bytes = b""
    frames: int = 1
    orientation: int = 1
    trailing: int = 0
    decoder: str = ""


def check_pixels(width: int, height: int, limit: int) -> None:
    """Raise Damaged when a size from a header is empty (corrupt) or above limit pixels (bomb)."""
    if width <= 0 or height <= 0:
        raise Damaged(CORRUPT, f"the header says {width} x {height} pixels")
    if width * height > limit:
        raise Damaged(BOMB, f"{width} x {height} pixels, more than the {limit} allowed")


def check_parts(parts: int) -> None:
    """Raise Damaged when a file has more parts than MAX_PARTS."""
    if parts > MAX_PARTS:
        raise Damaged(BOMB, f"the file has more than {MAX_PARTS} parts")


def significant(tail: bytes) -> int:
    """Return the number of bytes of a tail that are not padding at its start or its end."""
    return len(tail.strip(PADDING))
