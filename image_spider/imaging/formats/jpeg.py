"""JPEG: the segments of ITU-T T.81 from SOI to EOI."""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass, field

from image_spider.imaging.ifd import orientation
from image_spider.imaging.integrity import BOMB, CORRUPT, TRUNCATED, UNSUPPORTED, Damaged
from image_spider.imaging.structure import Structure, check_parts, check_pixels, significant

SOI, EOI, SOS, APP0, APP1, APP2, APP14, COM = 0xD8, 0xD9, 0xDA, 0xE0, 0xE1, 0xE2, 0xEE, 0xFE
DECODED_FRAMES = frozenset({0xC0, 0xC1, 0xC2, 0xC9, 0xCA})  # baseline, extended, progressive; Huffman and arithmetic
OTHER_FRAMES = frozenset({0xC3, 0xC5, 0xC6, 0xC7, 0xC8, 0xCB, 0xCD, 0xCE, 0xCF, 0xDE})  # lossless, hierarchical
METADATA = frozenset({*range(0xE0, 0xF0), COM})
# What may stand between two scans: coding and quantisation tables, restart interval, lines, a scan, metadata.
BETWEEN_SCANS = METADATA | {0xC4, 0xCC, 0xDB, 0xDC, 0xDD, SOS}
# A marker inside entropy-coded data: FF and neither 00 (a stuffed FF), a restart D0..D7 nor a fill byte FF.
MARKER = re.compile(rb"\xff([\x01-\xcf\xd8-\xfe])")
# A scan of a few bytes costs the decoder a pass over the whole image, 4 ms for 64 megapixels. Encoders write about 10.
MAX_SCANS = 100


@dataclass(slots=True)
class _Header:
    """What the segments before the first scan say."""

    width: int = 0
    height: int = 0
    orientation: int = 1
    has_several_pictures: bool = False
    is_motion_photo: bool = False
    kept: list[bytes] = field(default_factory=list)
    scan: int = 0  # offset of the first SOS marker


def read(data: bytes, limit: int) -> Structure:
    """Read a JPEG file up to its EOI; raises Damaged, and struct.error or IndexError when it ends in its header."""
    header = _read_header(data, limit)
    end = _find_end(data, header.scan)
    return Structure(
        header.width,
        header.height,
        pixels=b"".join([b"\xff\xd8", *header.kept, memoryview(data)[header.scan : end]]),
        orientation=header.orientation,
        trailing=0 if _is_known_trailer(header, data, end) else significant(data[end:]),
    )


def _read_header(data: bytes, limit: int) -> _Header:
    header = _Header()
    position, parts = 2, 0
    while True:
        check_parts(parts := parts + 1)
        position = data.find(b"\xff", position)  # like every decoder, pass over junk between segments
        if position < 0:
            raise Damaged(TRUNCATED, "the data ends before the first scan")
        marker = data[position + 1]
        if marker == 0xFF:
            position += 1
            continue
        if marker == 0 or 0xD0 <= marker <= SOI:
            position += 2
            continue
        if marker == EOI:
            raise Damaged(CORRUPT, "the image ends before its first scan")
        (length,) = struct.unpack_from(">H", data, position + 2)
        end = position + 2 + length
        if length < 2:
            raise Damaged(CORRUPT, f"segment FF{marker:02X} has length {length}")
        if end > len(data):
            raise Damaged(TRUNCATED, f"the data ends inside segment FF{marker:02X}")
        if marker == SOS:
            if not header.width:
                raise Damaged(CORRUPT, "the first scan stands before the size of the image")
            header.scan = position
            return header
        _take_segment(header, marker, data[position:end], limit)
        position = end


def _take_segment(header: _Header, marker: int, segment: bytes, limit: int) -> None:
    payload = segment[4:]
    if marker in OTHER_FRAMES:
        raise Damaged(UNSUPPORTED, f"lossless or hierarchical JPEG (frame FF{marker:02X})")
    if marker in DECODED_FRAMES:
        _take_frame(header, payload, limit)
    elif marker == APP1:
        if payload.startswith(b"Exif\x00\x00") and header.orientation == 1:
            header.orientation = orientation(payload)
        elif b"MotionPhoto" in payload or b"MicroVideo" in payload:
            header.is_motion_photo = True
    elif marker == APP2 and payload.startswith(b"MPF\x00"):
        header.has_several_pictures = True
    # JFIF (APP0) and Adobe (APP14) tell the colour space; short ones are ignored by libjpeg, but Pillow fails on them.
    is_colour = (marker == APP0 and len(payload) >= 14) or (marker == APP14 and len(payload) >= 12)
    if marker not in METADATA or is_colour:
        header.kept.append(segment)


def _take_frame(header: _Header, payload: bytes, limit: int) -> None:
    precision, height, width, components = struct.unpack_from(">BHHB", payload)
    if header.width:
        raise Damaged(CORRUPT, "the image has two frame headers")
    if height == 0:
        raise Damaged(UNSUPPORTED, "the height stands behind the pixels (DNL)")
    check_pixels(width, height, limit)
    if precision != 8 or components not in (1, 3, 4):
        raise Damaged(UNSUPPORTED, f"{components} components of {precision} bits")
    header.width, header.height = width, height


def _find_end(data: bytes, scan: int) -> int:
    """Return the offset behind EOI, passing over every scan and what stands between scans."""
    position, scans, parts = scan, 0, 0
    while True:
        check_parts(parts := parts + 1)
        found = MARKER.search(data, position)
        if found is None:
            raise Damaged(TRUNCATED, "no end-of-image marker: the data ends inside the pixels")
        marker = found[1][0]
        if marker == EOI:
            return found.end()
        if marker not in BETWEEN_SCANS:
            raise Damaged(CORRUPT, f"marker FF{marker:02X} inside the pixels")
        if marker == SOS and (scans := scans + 1) > MAX_SCANS:
            raise Damaged(BOMB, f"more than {MAX_SCANS} scans")
        if found.end() + 2 > len(data):
            raise Damaged(TRUNCATED, f"the data ends inside segment FF{marker:02X}")
        (length,) = struct.unpack_from(">H", data, found.end())
        position = found.end() + length


def _is_known_trailer(header: _Header, data: bytes, end: int) -> bool:
    """Tell whether what stands behind EOI belongs there: more pictures (MPO), a video, a Samsung trailer."""
    if header.has_several_pictures and data.startswith(b"\xff\xd8", end):
        return True
    if header.is_motion_photo and data[end + 4 : end + 8] == b"ftyp":
        return True
    return data.endswith(b"SEFT")
