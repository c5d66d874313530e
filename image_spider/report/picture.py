"""The picture that stands for an image in a report, as a data: URI."""

from __future__ import annotations

from base64 import b64encode
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from image_spider.exceptions import DamagedFile
from image_spider.stores.paths import media_type, thumbnail_path

if TYPE_CHECKING:
    from image_spider.stores.store import Store

THUMBNAIL_BYTES = 128 * 1024  # one of 320 pixels is smaller, whatever it shows
ORIGINAL_BYTES = 32 * 1024
SVG_BYTES = 64 * 1024
# What every browser shows. An SVG belongs into an <img> alone: there it runs no script and loads nothing.
SHOWN = frozenset((".bmp", ".gif", ".ico", ".jpg", ".png", ".svg", ".webp"))


def picture(store: Store, path: str) -> str:
    """Return an image's thumbnail, or the image itself when it has none and is small, or "" when neither is so.

    path is the image's, relative to the store. Raises StoreError for a file that is there and cannot be read.
    """
    if thumbnail := _read(store, thumbnail_path(path), THUMBNAIL_BYTES):
        return _data_uri("image/jpeg", thumbnail)
    extension = PurePosixPath(path).suffix
    original = _read(store, path, SVG_BYTES if extension == ".svg" else ORIGINAL_BYTES)
    return _data_uri(media_type(path), original) if original and extension in SHOWN else ""


def _read(store: Store, path: str, limit: int) -> bytes:
    """Return the file's bytes, none of a file that is not there or is larger than the limit."""
    size = store.size(path)
    if size is None or size > limit:  # a thumbnail may be deleted at any time, and a catalog outlive its store
        return b""
    try:
        return store.fetch(path)
    except DamagedFile:
        if store.size(path) is None:  # deleted in between
            return b""
        raise


def _data_uri(media_type: str, data: bytes) -> str:
    return f"data:{media_type};base64,{b64encode(data).decode('ascii')}"
