"""Content-addressed paths, relative to a store."""

from __future__ import annotations


def image_path(sha256: str, extension: str) -> str:
    """Return `ab/cd/<sha256><extension>` for a hex digest and an extension with its dot."""
    return f"{sha256[:2]}/{sha256[2:4]}/{sha256}{extension}"


def thumbnail_path(path: str) -> str:
    """Return the place of an image's thumbnail: beside it, and derived, so it can be deleted at any time."""
    return f"{path.rpartition('.')[0]}.thumb.jpg"
