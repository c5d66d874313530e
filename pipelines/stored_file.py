"""What became of one image URL, in the form in which Scrapy's media pipeline remembers it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scrapy.pipelines.media import FileInfo

from image_spider.imaging.describe import Description
from image_spider.items import Image, Topic, Understanding
from image_spider.stores.paths import image_path

if TYPE_CHECKING:
    from scrapy import Request


class StoredFile(FileInfo):
    """Scrapy's record of a file, with the image that it holds.

    status is "uptodate" (not downloaded), "unchanged" (downloaded, and the store had it) or "downloaded". topics are
    those that a label model told.
    """

    image: Image
    topics: tuple[Topic, ...]


def stored_file(request: Request, image: Image, status: str, topics: tuple[Topic, ...]) -> StoredFile:
    """Return the record of a request's file."""
    return {
        "url": request.url,
        "path": image.path,
        "checksum": image.sha256,
        "status": status,
        "image": image,
        "topics": topics,
    }


def image_of(description: Description, *, size: int, understanding: Understanding | None) -> Image:
    """Return the image that a file of so many bytes holds, with its path in the store."""
    return Image(
        sha256=description.sha256,
        path=image_path(description.sha256, description.extension),
        format=description.format,
        width=description.width,
        height=description.height,
        bytes=size,
        frames=description.frames,
        orientation=description.orientation,
        size_class=description.size_class,
        shape=description.shape,
        integrity=description.integrity,
        understanding=understanding,
    )
