"""GIF: the blocks of GIF89a from the screen descriptor to the trailer."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from image_spider.imaging.integrity import CORRUPT, TRUNCATED, Damaged
from image_spider.imaging.structure import MAX_PARTS, Structure, check_parts, check_pixels, significant

EXTENSION, IMAGE, TRAILER = 0x21, 0x2C, 0x3B
GRAPHIC_CONTROL = 0xF9


@dataclass(slots=True)
class _Walk:
    """What the walk over the blocks has found; first is the first image block, control what applies to it."""

    position: int
    parts: int = 0
    frames: int = 0
    control: bytes = b""
    first: bytes = b""


def read(data: bytes, limit: int) -> Structure:
    """Read a GIF file up to its trailer; raises Damaged, and struct.error or IndexError when it ends early."""
    if data[:6] not in (b"GIF87a"[: len(data)], b"GIF89a"[: len(data)]):
        raise Damaged(CORRUPT, f"the version is {data[3:6]!r}")
    width, height, flags = struct.unpack_from("<HHB", data, 6)
    start = 13 + _table_size(flags)
    if width and height:
        check_pixels(width, height, limit)
    walk = _Walk(start)
    _walk_blocks(walk, data)
    if not walk.first:
        raise Damaged(CORRUPT, "there is no image in it")
    left, top, frame_width, frame_height = struct.unpack_from("<HHHH", walk.first, 1)
    check_pixels(frame_width, frame_height, limit)
    # Browsers and Pillow enlarge the screen when the first frame does not fit on it.
    width, height = max(width, left + frame_width), max(height, top + frame_height)
    check_pixels(width, height, limit)
    return Structure(
        width,
        height,
        pixels=b"".join([data[:start], walk.control, walk.first, b";"]),
        frames=walk.frames,
        trailing=significant(data[walk.position :]),
    )


def _table_size(flags: int) -> int:
    """Return the bytes of the colour table that the flags of a screen or an image announce."""
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0


def _walk_blocks(walk: _Walk, data: bytes) -> None:
    """Pass over every block up to the trailer, counting frames; leaves walk.position behind the trailer."""
    while True:
        walk.parts += 1
        check_parts(walk.parts)
        if walk.position >= len(data):
            raise Damaged(TRUNCATED, f"no trailer: the data ends after {walk.frames} frames")
        start, kind = walk.position, data[walk.position]
        walk.position += 1
        if kind == TRAILER:
            return
        if kind == EXTENSION:
            label = data[walk.position]
            walk.position += 1
            _skip_sub_blocks(walk, data)
            if label == GRAPHIC_CONTROL and not walk.frames and walk.position - start == 8:
                walk.control = data[start : walk.position]
        elif kind == IMAGE:
            walk.position += 10 + _table_size(data[walk.position + 8])  # descriptor, colour table, LZW code size
            _skip_sub_blocks(walk, data)
            if not walk.frames:
                walk.first = data[start : walk.position]
            walk.frames += 1
        elif kind != 0:  # encoders pad between blocks with zeros
            raise Damaged(CORRUPT, f"byte {kind:02X} stands where a block should begin")


def _skip_sub_blocks(walk: _Walk, data: bytes) -> None:
    position, parts = walk.position, walk.parts
    while (size := data[position]) and parts <= MAX_PARTS:
        position += size + 1
        parts += 1
    walk.position, walk.parts = position + 1, parts
