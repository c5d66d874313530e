"""BMP: the file header, and the bitmap header (DIB) that icons use as well."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from image_spider.imaging.integrity import CORRUPT, TRUNCATED, UNSUPPORTED, Damaged
from image_spider.imaging.structure import Structure, check_pixels, significant

HEADER_SIZES = frozenset({12, 40, 52, 56, 64, 108, 124})
CORE_HEADER = 12
RAW, RLE8, RLE4, BITFIELDS = 0, 1, 2, 3
DEPTHS = frozenset({1, 4, 8, 16, 24, 32})
# Pillow decodes RLE in Python, byte by byte: about 1 s for this many pixels. Real ones are small.
MAX_RLE_PIXELS = 4_000_000


@dataclass(frozen=True, slots=True)
class Bitmap:
    """A DIB header: the size in pixels, bits per pixel, the compression and the bytes of one row."""

    header_size: int
    width: int
    height: int
    depth: int
    compression: int

    @property
    def row_bytes(self) -> int:
        """Bytes of one uncompressed row, which ends on a 32-bit boundary."""
        return (self.width * self.depth + 31) // 32 * 4


def read(data: bytes, limit: int) -> Structure:
    """Read a BMP file; raises Damaged, and struct.error when it ends in its header."""
    file_size, _, offset = struct.unpack_from("<III", data, 2)
    bitmap = read_bitmap(data, 14)
    check_pixels(bitmap.width, bitmap.height, limit)
    _check_variant(bitmap)
    if offset < 14 + bitmap.header_size:
        raise Damaged(CORRUPT, f"the pixels begin at byte {offset}, inside the header")
    if bitmap.compression in (RLE8, RLE4):
        end = max(offset + 1, file_size)
    else:
        end = offset + bitmap.row_bytes * bitmap.height
    if end > len(data):
        raise Damaged(TRUNCATED, f"{end - len(data)} of {end} bytes are missing")
    # The file size of the header is often wrong; it may only tell that more belongs to the file (a colour profile).
    if end < file_size <= len(data):
        end = file_size
    return Structure(bitmap.width, bitmap.height, pixels=data[:end], trailing=significant(data[end:]))


def read_bitmap(data: bytes, position: int) -> Bitmap:
    """Read the DIB header at position; a negative height (rows from the top) is returned as its absolute value."""
    (size,) = struct.unpack_from("<I", data, position)
    if size not in HEADER_SIZES:
        raise Damaged(UNSUPPORTED, f"a bitmap header of {size} bytes")
    if size == CORE_HEADER:
        width, height, _, depth = struct.unpack_from("<HHHH", data, position + 4)
        return Bitmap(size, width, height, depth, RAW)
    width, height, _, depth, compression = struct.unpack_from("<iiHHI", data, position + 4)
    return Bitmap(size, width, abs(height), depth, compression)


def _check_variant(bitmap: Bitmap) -> None:
    if bitmap.depth not in DEPTHS or bitmap.compression not in (RAW, RLE8, RLE4, BITFIELDS):
        raise Damaged(UNSUPPORTED, f"compression {bitmap.compression} with {bitmap.depth} bits per pixel")
    if bitmap.compression in (RLE8, RLE4) and bitmap.width * bitmap.height > MAX_RLE_PIXELS:
        raise Damaged(UNSUPPORTED, f"run-length coding of more than {MAX_RLE_PIXELS} pixels")
