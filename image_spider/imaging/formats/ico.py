"""ICO: a directory of pictures of several sizes, each a PNG or a bitmap; the largest one is the image."""

from __future__ import annotations

import struct
from dataclasses import dataclass, replace

from image_spider.imaging.formats import bmp, png
from image_spider.imaging.integrity import CORRUPT, TRUNCATED, UNSUPPORTED, Damaged
from image_spider.imaging.structure import Structure, check_pixels, significant


@dataclass(frozen=True, slots=True)
class _Picture:
    """An entry of the directory; a width or height of 256 is stored as 0."""

    width: int
    height: int
    depth: int
    offset: int
    end: int


def read(data: bytes, limit: int) -> Structure:
    """Read an ICO file and its largest picture; raises Damaged, and struct.error when it ends in its directory."""
    pictures = _read_directory(data)
    largest = max(pictures, key=lambda picture: (picture.width * picture.height, picture.depth))
    end = max(picture.end for picture in pictures)
    if end > len(data):
        raise Damaged(TRUNCATED, f"{end - len(data)} of {end} bytes are missing")
    content = data[largest.offset : largest.end]
    if content.startswith(b"\x89PNG"):
        structure = replace(png.read(content, limit), frames=1, orientation=1, decoder="png")
    else:
        structure = _read_bitmap(content, limit)
    return replace(structure, trailing=significant(data[end:]))


def _read_directory(data: bytes) -> list[_Picture]:
    (count,) = struct.unpack_from("<H", data, 4)
    if count == 0:
        raise Damaged(CORRUPT, "there is no picture in it")
    pictures = []
    for position in range(6, 6 + 16 * count, 16):
        width, height, _, _, _, depth, size, offset = struct.unpack_from("<BBBBHHII", data, position)
        pictures.append(_Picture(width or 256, height or 256, depth, offset, offset + size))
    return pictures


def _read_bitmap(content: bytes, limit: int) -> Structure:
    """Read a bitmap picture and make it an icon of its own, whose directory tells the bitmap's true size."""
    bitmap = bmp.read_bitmap(content, 0)
    width, height = bitmap.width, bitmap.height // 2  # the mask stands above the picture
    check_pixels(width, bitmap.height, limit)
    check_pixels(width, height, limit)
    if bitmap.depth not in bmp.DEPTHS or bitmap.compression not in (bmp.RAW, bmp.BITFIELDS):
        raise Damaged(UNSUPPORTED, f"compression {bitmap.compression} with {bitmap.depth} bits per pixel")
    if bitmap.header_size + bitmap.row_bytes * height > len(content):
        raise Damaged(TRUNCATED, "the data ends inside the picture")
    entry = struct.pack("<BBBBHHII", width & 0xFF, height & 0xFF, 0, 0, 1, bitmap.depth, len(content), 22)
    return Structure(width, height, pixels=b"\x00\x00\x01\x00\x01\x00" + entry + content)
