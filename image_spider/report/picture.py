"""The picture that stands for an image in a report, as a data: URI."""

from __future__ import annotations

from base64 import b64encode
from pathlib import Path

from image_spider.stores.paths import thumbnail_path

THUMBNAIL_BYTES = 128 * 1024  # one of 320 pixels is smaller, whatever it shows
ORIGINAL_BYTES = 32 * 1024
SVG_BYTES = 64 * 1024
# What every browser shows. An SVG belongs into an <img> alone: there it runs no script and loads nothing.
MEDIA_TYPES = {
    ".bmp": "image/bmp",
    ".gif": "image/gif",
    ".ico": "image/x-icon",
    ".jpg": "image/jpeg",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".webp": "image/webp",
}


def picture(store: Path, path: str) -> str:
    """Return an image's thumbnail, or the image itself when it has none and is small, or "" when neither is so.

    path is the image's, relative to the store. Raises OSError for a file that is there and cannot be read.
    """
    if thumbnail := _read(store / thumbnail_path(path), THUMBNAIL_BYTES):
        return _data_uri("image/jpeg", thumbnail)
    extension = Path(path).suffix
    original = _read(store / path, SVG_BYTES if extension == ".svg" else ORIGINAL_BYTES)
    return _data_uri(MEDIA_TYPES[extension], original) if original and extension in MEDIA_TYPES else ""


def _read(file: Path, limit: int) -> bytes:
    """Return the file's bytes, none of a file that is not there or is larger than the limit."""
    try:
        with file.open("rb") as stream:
            data = stream.read(limit + 1)
    except FileNotFoundError:  # a thumbnail may be deleted at any time, and a catalog outlive its store
        return b""
    return data if len(data) <= limit else b""


def _data_uri(media_type: str, data: bytes) -> str:
    return f"data:{media_type};base64,{b64encode(data).decode('ascii')}"
