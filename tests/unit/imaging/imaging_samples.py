"""Image files made by Pillow, and the tools to damage them."""

from __future__ import annotations

import struct
import zlib
from functools import cache
from io import BytesIO
from typing import Any

import numpy as np
from PIL import Image, features

from image_spider.imaging.describe import Description, describe

MAX_PIXELS = 64_000_000
SIZE = (96, 64)
FORMATS = ("jpeg", "png", "gif", "webp", "avif", "bmp", "tiff", "ico")


def examine(data: bytes, content_type: str = "", max_pixels: int = MAX_PIXELS) -> Description:
    """Describe with the limit of the tests."""
    return describe(data, content_type=content_type, max_pixels=max_pixels)


def encode(image: Image.Image, file_format: str, **options: Any) -> bytes:
    with BytesIO() as file:
        image.save(file, file_format, **options)
        return file.getvalue()


@cache
def photo(width: int = SIZE[0], height: int = SIZE[1]) -> Image.Image:
    """Return a smooth picture with some detail, the same every time."""
    coarse = np.random.default_rng(7).integers(0, 255, (max(1, height // 8), max(1, width // 8), 3), dtype=np.uint8)
    return Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)


@cache
def sample(file_format: str) -> bytes:
    """Return a good file of a format in FORMATS."""
    if file_format == "ico":
        return encode(photo(48, 48), "ICO", sizes=[(16, 16), (48, 48)])
    return encode(photo(), file_format.upper())


def animated(file_format: str, frames: int = 3) -> bytes:
    pictures = [photo().rotate(90 * number) for number in range(frames)]
    return encode(pictures[0], file_format.upper(), save_all=True, append_images=pictures[1:], duration=50)


def oriented(file_format: str, orientation: int, picture: Image.Image | None = None) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return encode(picture or photo(), file_format.upper(), exif=exif)


def quartered(width: int = 96, height: int = 64) -> Image.Image:
    """Return a picture whose quarters are red, green, blue and white, so that its orientation can be seen."""
    picture = Image.new("RGB", (width, height), "white")
    picture.paste("red", (0, 0, width // 2, height // 2))
    picture.paste("lime", (width // 2, 0, width, height // 2))
    picture.paste("blue", (0, height // 2, width // 2, height))
    return picture


def opened(thumbnail: bytes | None) -> Image.Image:
    assert thumbnail is not None
    return Image.open(BytesIO(thumbnail), formats=("JPEG",))


def chunk(kind: bytes, payload: bytes) -> bytes:
    """Return a PNG chunk with its checksum."""
    return struct.pack(">I", len(payload)) + kind + payload + struct.pack(">I", zlib.crc32(kind + payload))


def png_with(extra: bytes, data: bytes | None = None) -> bytes:
    """Return a PNG with more chunks behind IHDR."""
    data = data or sample("png")
    return data[:33] + extra + data[33:]


def png_header(width: int, height: int, depth: int = 8, colour: int = 2) -> bytes:
    """Return a PNG whose IHDR says something else; the checksum is right."""
    data = sample("png")
    return data[:8] + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)) + data[33:]


def segment(marker: int, payload: bytes) -> bytes:
    """Return a JPEG segment."""
    return struct.pack(">BBH", 0xFF, marker, len(payload) + 2) + payload


def jpeg_with(extra: bytes, data: bytes | None = None) -> bytes:
    """Return a JPEG with more segments behind SOI."""
    data = data or sample("jpeg")
    return data[:2] + extra + data[2:]


def jpeg_frame(height: int, width: int, precision: int = 8, data: bytes | None = None) -> bytes:
    """Return a JPEG whose frame header says something else."""
    data = data or sample("jpeg")
    at = data.index(b"\xff\xc0")
    return data[: at + 4] + struct.pack(">BHH", precision, height, width) + data[at + 9 :]


def patched(data: bytes, offset: int, new: bytes) -> bytes:
    """Return data with other bytes at an offset; a negative one counts from the end."""
    offset %= len(data)
    return data[:offset] + new + data[offset + len(new) :]


def cut(data: bytes, share: float) -> bytes:
    """Return the first part of data."""
    return data[: int(len(data) * share)]


def webp_chunk(kind: bytes, payload: bytes) -> bytes:
    return kind + struct.pack("<I", len(payload)) + payload + b"\x00" * (len(payload) % 2)


def riff(*chunks: bytes) -> bytes:
    body = b"WEBP" + b"".join(chunks)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def tiff(entries: dict[int, tuple[int, int, int]], pixels: bytes = b"\x00" * 64) -> bytes:
    """Return a little-endian TIFF: tag -> (type, count, value), pixels at offset 8."""
    directory = b"".join(struct.pack("<HHII", tag, *entries[tag]) for tag in sorted(entries))
    start = 8 + len(pixels)
    return b"II*\x00" + struct.pack("<I", start) + pixels + struct.pack("<H", len(entries)) + directory + bytes(4)


def gray_tiff(**changes: tuple[int, int, int]) -> bytes:
    """Return an 8 x 8 gray TIFF with some entries changed: gray_tiff(t256=(4, 1, 100000))."""
    entries = {256: (3, 1, 8), 257: (3, 1, 8), 258: (3, 1, 8), 259: (3, 1, 1), 262: (3, 1, 1), 273: (4, 1, 8)}
    entries |= {277: (3, 1, 1), 278: (3, 1, 8), 279: (4, 1, 64)}
    return tiff(entries | {int(name[1:]): value for name, value in changes.items()})


def bmp_rle(width: int, height: int, pixels: bytes) -> bytes:
    """Return an 8-bit run-length coded BMP with a palette of two colours."""
    header = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 8, 1, len(pixels), 0, 0, 2, 2)
    body = header + b"\x00\x00\xff\x00\xff\x00\x00\x00" + pixels
    return b"BM" + struct.pack("<IHHI", 14 + len(body), 0, 0, 14 + 48) + body


def bitmap_icon(size: int = 32) -> bytes:
    return encode(photo(size, size), "ICO", bitmap_format="bmp", sizes=[(size, size)])


def has_avif() -> bool:
    return bool(features.check("avif"))
