"""TIFF and BigTIFF: the first page, and how many more follow (TIFF 6.0)."""

from __future__ import annotations

import struct
from itertools import zip_longest

from image_spider.imaging.ifd import Entry, Layout, integers, orientation_of, read_directory, read_header
from image_spider.imaging.integrity import BOMB, CORRUPT, TRUNCATED, UNSUPPORTED, Damaged
from image_spider.imaging.structure import Structure, check_pixels

WIDTH, HEIGHT, COMPRESSION, STRIP_OFFSETS, STRIP_BYTES = 256, 257, 259, 273, 279
TILE_WIDTH, TILE_HEIGHT, TILE_OFFSETS, TILE_BYTES = 322, 323, 324, 325
# Photometric, fill order, samples per pixel, rows per strip, fax options, planes, predictor: one value each.
SCALARS = frozenset({WIDTH, HEIGHT, COMPRESSION, 262, 266, 277, 278, 284, 292, 293, 317, TILE_WIDTH, TILE_HEIGHT})
# Bits per sample, colour map, extra samples, sample format, JPEG tables, YCbCr coefficients, subsampling and range.
ARRAYS = frozenset({258, STRIP_OFFSETS, STRIP_BYTES, 320, TILE_OFFSETS, TILE_BYTES, 338, 339, 347, 529, 530, 531, 532})
# none, CCITT RLE, fax 3 and 4, LZW, JPEG, Deflate (both numbers), PackBits. Old JPEG (6) and the rest are left to none.
COMPRESSIONS = frozenset({1, 2, 3, 4, 5, 7, 8, 32946, 32773})
MAX_PAGES = 10_000
MAX_STRIPS = 100_000  # each is an object of Pillow's; 40 megabytes of offsets would be gigabytes of objects


def read(data: bytes, limit: int) -> Structure:
    """Read the first page of a TIFF file; raises Damaged, and struct.error when its directory lies outside the file."""
    layout, offset = read_header(data)
    entries, following = read_directory(data, layout, offset)
    needed = {tag: entry for tag, entry in entries.items() if tag in ARRAYS or (tag in SCALARS and entry.count == 1)}
    width, height = _scalar(data, layout, needed, WIDTH), _scalar(data, layout, needed, HEIGHT)
    check_pixels(width, height, limit)
    tile_width, tile_height = (_scalar(data, layout, needed, tag, default=1) for tag in (TILE_WIDTH, TILE_HEIGHT))
    check_pixels(tile_width, tile_height, limit)
    compression = _scalar(data, layout, needed, COMPRESSION, default=1)
    if compression not in COMPRESSIONS:
        raise Damaged(UNSUPPORTED, f"compression {compression}")
    _check_pixel_data(data, layout, needed)
    return Structure(
        width,
        height,
        pixels=_only(data, layout, needed),
        frames=_count_pages(data, layout, offset, following),
        orientation=orientation_of(data, layout, entries),
    )


def _scalar(data: bytes, layout: Layout, entries: dict[int, Entry], tag: int, *, default: int = 0) -> int:
    values = integers(data, layout, entries.get(tag))
    return values[0] if values else default


def _check_pixel_data(data: bytes, layout: Layout, entries: dict[int, Entry]) -> None:
    offsets = entries.get(STRIP_OFFSETS) or entries.get(TILE_OFFSETS)
    if offsets is None:
        raise Damaged(CORRUPT, "the directory does not tell where the pixels are")
    if offsets.count > MAX_STRIPS:
        raise Damaged(BOMB, f"the pixels are cut into {offsets.count} strips")
    lengths = entries.get(STRIP_BYTES if offsets.tag == STRIP_OFFSETS else TILE_BYTES)
    parts = zip_longest(integers(data, layout, offsets), integers(data, layout, lengths), fillvalue=0)
    end = max(offset + length for offset, length in parts)
    if end > len(data):
        raise Damaged(TRUNCATED, f"the pixels end at byte {end}, the data at byte {len(data)}")


def _only(data: bytes, layout: Layout, needed: dict[int, Entry]) -> bytes:
    """Return the file with one directory at its end, which holds the entries that decoding needs and no other.

    Pillow parses every entry and warns of broken ones; and it would apply the orientation.
    """
    count, offset, first = ("Q", "Q", 8) if layout.big else ("H", "I", 4)
    if sum(entry.size for entry in needed.values()) > len(data):
        raise Damaged(CORRUPT, "the entries of the directory overlap")
    body = b"".join(needed[tag].raw for tag in sorted(needed))
    directory = struct.pack(layout.order + count, len(needed)) + body + struct.pack(layout.order + offset, 0)
    pointer = struct.pack(layout.order + offset, len(data))
    return b"".join([data[:first], pointer, data[first + len(pointer) :], directory])


def _count_pages(data: bytes, layout: Layout, first: int, following: int) -> int:
    """Count the directories; one outside the file or already seen ends the chain, and so does MAX_PAGES."""
    seen = {first}
    while following and following not in seen and len(seen) < MAX_PAGES:
        seen.add(following)
        try:
            following = _next_page(data, layout, following)
        except struct.error:
            return len(seen) - 1
    return len(seen)


def _next_page(data: bytes, layout: Layout, offset: int) -> int:
    """Return the offset behind the directory at offset, without reading its entries."""
    if offset > len(data):
        raise struct.error("the directory lies outside the file")
    (count,) = struct.unpack_from(layout.order + ("Q" if layout.big else "H"), data, offset)
    end = offset + (8 if layout.big else 2) + count * layout.entry_size
    if end > len(data):
        raise struct.error("the directory reaches beyond the file")
    (following,) = struct.unpack_from(layout.order + ("Q" if layout.big else "I"), data, end)
    return int(following)
