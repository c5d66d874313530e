"""WebP: the RIFF chunks of the container, and the size in the header of its first picture (RFC 9649)."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from image_spider.imaging.ifd import orientation
from image_spider.imaging.integrity import CORRUPT, TRUNCATED, Damaged
from image_spider.imaging.structure import Structure, check_parts, check_pixels, significant

LOSSY, LOSSLESS, EXTENDED = b"VP8 ", b"VP8L", b"VP8X"


@dataclass(slots=True)
class _Chunks:
    """What the walk over the chunks has found."""

    pictures: int = 0
    frames: int = 0
    orientation: int = 1


def read(data: bytes, limit: int) -> Structure:
    """Read a WebP file up to the end of its RIFF; raises Damaged, and struct.error when it ends in its header."""
    width, height = _read_size(data)
    check_pixels(width, height, limit)
    end = 8 + int.from_bytes(data[4:8], "little")
    if end > len(data):
        raise Damaged(TRUNCATED, f"{end - len(data)} of {end} bytes are missing")
    chunks = _walk(data, end)
    if not chunks.pictures + chunks.frames:
        raise Damaged(CORRUPT, "there is no picture in it")
    return Structure(
        width,
        height,
        pixels=data[:end],
        frames=max(1, chunks.frames),
        orientation=chunks.orientation,
        trailing=significant(data[end:]),
    )


def _read_size(data: bytes) -> tuple[int, int]:
    kind = data[12:16]
    if kind == EXTENDED:
        _, width, height = struct.unpack_from("<I3s3s", data, 20)
        return int.from_bytes(width, "little") + 1, int.from_bytes(height, "little") + 1
    if kind == LOSSLESS:
        mark, bits = struct.unpack_from("<BI", data, 20)
        if mark != 0x2F:
            raise Damaged(CORRUPT, "the lossless picture has no signature")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind == LOSSY:
        mark, width, height = struct.unpack_from("<3sHH", data, 23)
        if mark != b"\x9d\x01\x2a":
            raise Damaged(CORRUPT, "the lossy picture has no start code")
        return width & 0x3FFF, height & 0x3FFF
    raise Damaged(CORRUPT if len(kind) == 4 else TRUNCATED, f"the first chunk is {kind!r}")


def _walk(data: bytes, end: int) -> _Chunks:
    chunks = _Chunks()
    position, parts = 12, 0
    while position + 8 <= end:
        check_parts(parts := parts + 1)
        kind, length = struct.unpack_from("<4sI", data, position)
        if position + 8 + length > end:
            raise Damaged(CORRUPT, f"chunk {kind!r} is longer than the file says")
        if kind in (LOSSY, LOSSLESS):
            chunks.pictures += 1
        elif kind == b"ANMF":
            chunks.frames += 1
        elif kind == b"EXIF":
            chunks.orientation = orientation(data[position + 8 : position + 8 + length])
        position += 8 + length + length % 2
    return chunks
