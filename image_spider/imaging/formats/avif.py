"""AVIF: the boxes of the container (ISO 14496-12); what they mean is read by libavif, which decodes no pixel for it."""

from __future__ import annotations

import struct
from io import BytesIO

from PIL import AvifImagePlugin

from image_spider.imaging.ifd import orientation
from image_spider.imaging.integrity import CORRUPT, DECODER_ERRORS, TRUNCATED, Damaged
from image_spider.imaging.structure import Structure, check_parts, check_pixels, significant

BOXES = frozenset(
    {b"ftyp", b"meta", b"mdat", b"moov", b"free", b"skip", b"wide", b"uuid", b"styp", b"sidx", b"moof", b"mfra"}
)


def read(data: bytes, limit: int) -> Structure:
    """Read an AVIF file up to its last box; raises Damaged, and struct.error when it ends in a box header."""
    file, end = _walk(data)
    try:
        image = AvifImagePlugin.AvifImageFile(BytesIO(file))
    except DECODER_ERRORS as error:
        raise Damaged.by_decoder(error) from error
    with image:
        check_pixels(image.width, image.height, limit)
        return Structure(
            image.width,
            image.height,
            pixels=file,
            frames=image.n_frames,
            # Pillow turns the rotation and mirroring of the container (irot, imir) into EXIF.
            orientation=orientation(image.info.get("exif", b"")),
            trailing=significant(data[end:]),
        )


def _walk(data: bytes) -> tuple[bytes, int]:
    """Return the file up to its last box, without its EXIF, and the offset behind that box."""
    position, parts, header = 0, 0, b""
    seen: set[bytes] = set()
    pieces: list[bytes] = []
    while position + 8 <= len(data):
        check_parts(parts := parts + 1)
        size, kind = struct.unpack_from(">I4s", data, position)
        if kind not in BOXES:
            break
        if size == 1:
            (size,) = struct.unpack_from(">Q", data, position + 8)
        end = len(data) if size == 0 else position + size
        if 0 < size < 8:
            raise Damaged(CORRUPT, f"box {kind.decode()} has size {size}")
        if end > len(data):
            raise Damaged(TRUNCATED, f"the data ends inside box {kind.decode()}")
        # The item type is renamed, so that libavif passes over EXIF: Pillow would parse it, and warn of a broken one.
        header = data[position:end]
        pieces.append(header.replace(b"Exif", b"skip") if kind == b"meta" else header)
        seen.add(kind)
        position = end
    if not seen & {b"meta", b"moov"}:
        raise Damaged(TRUNCATED, "the data ends before the description of the image")
    return b"".join(pieces), position
