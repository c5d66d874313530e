"""The broken files of the demo site: each one a thing that web servers really send."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass

from PIL import Image

from demo.media import Media, encode, photograph
from image_spider import causes

BOMB_SIDE = 16000  # 256 million pixels in about 30 kB


@dataclass(frozen=True, slots=True)
class Damaged:
    """A file that must not be kept, and the cause that must be recorded."""

    path: str
    body: bytes
    cause: str


def damaged() -> list[Damaged]:
    """Return every file that a crawler must refuse."""
    jpeg = encode(photograph("coffee", (320, 213)), "jpg", quality=76)
    png = encode(photograph("cat", (160, 106)), "png")
    jpeg_2000 = encode(photograph("gravel", (64, 64), "L"), "jp2")
    return [
        Damaged("/broken/truncated.jpg", jpeg[: len(jpeg) * 3 // 5], causes.TRUNCATED),
        Damaged("/broken/truncated.png", png[: len(png) * 3 // 5], causes.TRUNCATED),
        Damaged("/broken/corrupt.png", _scratched(png), causes.CORRUPT),
        Damaged("/broken/empty.jpg", b"", causes.EMPTY),
        Damaged("/broken/login-page.jpg", LOGIN_PAGE, causes.NOT_AN_IMAGE),
        Damaged(
            "/broken/readme.gif", b"The animation is being repaired. Please come back on Monday.\n", causes.NOT_AN_IMAGE
        ),
        Damaged("/broken/bomb.png", _bomb(), causes.BOMB),
        Damaged("/broken/layers.psd", _psd(), causes.UNSUPPORTED),
        Damaged("/broken/scan.jp2", jpeg_2000, causes.UNSUPPORTED),
    ]


def odd() -> list[Media]:
    """Return the files that are odd but whole: kept, with the oddity as their integrity."""
    png = encode(photograph("dahlia", (160, 107)), "png")
    jpeg = encode(photograph("mountain-path", (320, 240)), "jpg", quality=76)
    trailer = jpeg + b"\x00" * 16 + b"appended by a careless camera"
    return [
        Media("/broken/photo.jpg", png, "png", 160, 107, integrity="type_mismatch"),
        Media("/broken/trailing-bytes.jpg", trailer, "jpeg", 320, 240, integrity="trailing_bytes"),
    ]


LOGIN_PAGE = b"<!DOCTYPE html><html><head><title>Sign in</title></head><body><h1>Please sign in</h1></body></html>\n"


def _chunk(name: bytes, body: bytes) -> bytes:
    """One PNG chunk: length, name, body, CRC (ISO/IEC 15948, 5.3)."""
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def _scratched(png: bytes) -> bytes:
    """Overwrite a stretch in the middle of the pixel data: neither the zlib stream nor the CRC is right any more."""
    middle = len(png) // 2
    return png[:middle] + b"\xff" * 64 + png[middle + 64 :]


def _bomb() -> bytes:
    """A valid black PNG, one bit a pixel, that unfolds a thousandfold."""
    row = b"\x00" * (1 + BOMB_SIDE // 8)
    squeeze = zlib.compressobj(9)
    data = b"".join(squeeze.compress(row) for _ in range(BOMB_SIDE)) + squeeze.flush()
    header = struct.pack(">IIBBBBB", BOMB_SIDE, BOMB_SIDE, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", data) + _chunk(b"IEND", b"")


def _psd() -> bytes:
    """A whole Photoshop document: 8 x 8 grey pixels, no layers."""
    header = b"8BPS" + struct.pack(">H6xHIIHH", 1, 1, 8, 8, 8, 1)
    return header + struct.pack(">III", 0, 0, 0) + struct.pack(">H", 0) + Image.new("L", (8, 8), 128).tobytes()
