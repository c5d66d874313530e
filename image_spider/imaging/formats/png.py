"""PNG and APNG: the chunks from IHDR to IEND (W3C PNG, third edition)."""

from __future__ import annotations

import re
import struct
import zlib
from dataclasses import dataclass, field

from image_spider.imaging.ifd import orientation
from image_spider.imaging.integrity import CORRUPT, TRUNCATED, UNSUPPORTED, Damaged
from image_spider.imaging.structure import Structure, check_parts, check_pixels, significant

SIGNATURE = b"\x89PNG\r\n\x1a\n"
CHUNK_TYPE = re.compile(rb"[A-Za-z]{4}")
BIT_DEPTHS = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}  # by colour type
TRANSPARENCY_SIZES = {0: range(2, 3), 2: range(6, 7), 3: range(1, 257)}  # bytes of tRNS, by colour type
PALETTE = 3


@dataclass(slots=True)
class _Chunks:
    """What the walk over the chunks has found."""

    kept: list[bytes] = field(default_factory=list)
    has_palette: bool = False
    has_pixels: bool = False
    frames: int = 0
    orientation: int = 1
    end: int = 0


def read(data: bytes, limit: int) -> Structure:
    """Read a PNG file up to its IEND; raises Damaged, and struct.error when it ends in its header."""
    if not data.startswith(SIGNATURE[: len(data)]):
        raise Damaged(CORRUPT, "the signature was damaged, as a transfer in text mode does")
    width, height, colour = _read_size(data, limit)
    chunks = _walk(data, colour)
    if not chunks.has_pixels:
        raise Damaged(CORRUPT, "there is no IDAT chunk")
    if colour == PALETTE and not chunks.has_palette:
        raise Damaged(CORRUPT, "there is no palette")
    return Structure(
        width,
        height,
        pixels=b"".join([SIGNATURE, *chunks.kept]),
        frames=max(1, chunks.frames),
        orientation=chunks.orientation,
        trailing=significant(data[chunks.end :]),
    )


def _read_size(data: bytes, limit: int) -> tuple[int, int, int]:
    length, kind, width, height, depth, colour, compression, filters, interlace = struct.unpack_from(
        ">I4sIIBBBBB", data, 8
    )
    if kind == b"CgBI":
        raise Damaged(UNSUPPORTED, "Apple's CgBI variant of PNG")
    if kind != b"IHDR" or length != 13:
        raise Damaged(CORRUPT, "the first chunk is not IHDR")
    check_pixels(width, height, limit)
    if depth not in BIT_DEPTHS.get(colour, ()) or compression or filters or interlace > 1:
        raise Damaged(CORRUPT, f"IHDR has colour type {colour} of {depth} bits, interlace {interlace}")
    return width, height, colour


def _walk(data: bytes, colour: int) -> _Chunks:
    chunks = _Chunks()
    position, parts = len(SIGNATURE), 0
    while True:
        check_parts(parts := parts + 1)
        if position + 8 > len(data):
            raise Damaged(TRUNCATED, "no IEND chunk: the data ends before the image does")
        length, kind = struct.unpack_from(">I4s", data, position)
        if not CHUNK_TYPE.fullmatch(kind):
            raise Damaged(CORRUPT, f"there is a chunk of type {kind!r}")
        end = position + 12 + length
        if end > len(data):
            raise Damaged(TRUNCATED, f"the data ends inside chunk {kind.decode()}")
        _take_chunk(chunks, kind, data[position:end], colour)
        position = end
        if kind == b"IEND":
            chunks.end = end
            return chunks


def _take_chunk(chunks: _Chunks, kind: bytes, chunk: bytes, colour: int) -> None:
    """Keep a chunk that decoding needs; a critical one with a wrong checksum is corrupt, another one is left out."""
    if kind == b"fcTL":
        chunks.frames += 1
    elif kind == b"eXIf":
        chunks.orientation = orientation(chunk[8:-4])
    if kind not in (b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"):
        return
    is_sound = zlib.crc32(memoryview(chunk)[4:-4]) == int.from_bytes(chunk[-4:])
    if kind == b"tRNS":
        if is_sound and len(chunk) - 12 in TRANSPARENCY_SIZES.get(colour, ()) and not chunks.has_pixels:
            chunks.kept.append(chunk)
        return
    if not is_sound:
        raise Damaged(CORRUPT, f"the checksum of chunk {kind.decode()} is wrong")
    if kind == b"PLTE":
        if len(chunk) - 12 not in range(3, 769, 3):
            raise Damaged(CORRUPT, f"the palette has {len(chunk) - 12} bytes")
        chunks.has_palette = True
    if kind == b"IHDR" and chunks.kept:
        raise Damaged(CORRUPT, "there are two IHDR chunks")
    chunks.has_pixels = chunks.has_pixels or kind == b"IDAT"
    chunks.kept.append(chunk)
