"""Content-addressed paths, relative to a store."""

from __future__ import annotations

import re

FOLDER_DIGITS = 2  # of the digest, in each of the two folders
_MEDIA_TYPES = {
    ".avif": "image/avif",
    ".bmp": "image/bmp",
    ".gif": "image/gif",
    ".ico": "image/x-icon",
    ".jpg": "image/jpeg",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".tiff": "image/tiff",
    ".webp": "image/webp",
}
THUMBNAIL = ".thumb.jpg"
_IMAGE = re.compile(r"([0-9a-f]{2})/([0-9a-f]{2})/\1\2[0-9a-f]{60}(?:\.[a-z0-9]{1,8})?")


def image_path(sha256: str, extension: str) -> str:
    """Return `ab/cd/<sha256><extension>` for a hex digest and an extension with its dot."""
    return f"{sha256[:2]}/{sha256[2:4]}/{sha256}{extension}"


def thumbnail_path(path: str) -> str:
    """Return the place of an image's thumbnail: beside it, and derived, so it can be deleted at any time."""
    return f"{path.rpartition('.')[0]}{THUMBNAIL}"


def sha256_of(path: str) -> str:
    """Return the hex digest that a path of image_path names."""
    return path.rpartition("/")[2].partition(".")[0]


def is_image_path(path: str) -> bool:
    """Tell whether a path is one that image_path makes: no thumbnail, ledger or anything else in a store is."""
    return _IMAGE.fullmatch(path) is not None


def media_type(path: str) -> str:
    """Return the Content-Type that a server of the store is to give a file, by its extension."""
    return _MEDIA_TYPES.get(path[path.rfind(".") :], "application/octet-stream")
