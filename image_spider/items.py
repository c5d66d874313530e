"""What the spider yields: a PageItem per page and an ImageItem per candidate."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Candidate:
    """An image URL found on a page, with the words and sizes that stood beside it.

    url is absolute. A decoded data: URI has no URL to fetch: its url is `data:<media type>;sha256=<hex>` and its
    bytes are in data, as are those of a start URL that turned out to be an image. source names the extraction rule.
    alternatives are the other sizes or formats of the same picture, best first. width and height are the size that
    the page declares, in CSS pixels.
    """

    url: str
    source: str
    alternatives: tuple[str, ...] = ()
    alt: str = ""
    title: str = ""
    caption: str = ""
    text: str = ""
    width: int | None = None
    height: int | None = None
    data: bytes | None = None
    media_type: str = ""  # of data


@dataclass(frozen=True, slots=True)
class Page:
    """What one HTML page holds: its title, its links (absolute http and https URLs) and its image candidates.

    nofollow and noimageindex are what its robots meta tags ask for; links and candidates are listed all the same.
    """

    title: str
    links: tuple[str, ...]
    candidates: tuple[Candidate, ...]
    nofollow: bool = False
    noimageindex: bool = False


@dataclass(frozen=True, slots=True)
class Image:
    """One unique image: the row of table `images`, keyed by the SHA-256 of its bytes.

    path is relative to the store. width and height are pixels as displayed (EXIF orientation applied); bytes is
    the size of the file; orientation is the EXIF value 1..8.
    """

    sha256: str
    path: str
    format: str
    width: int
    height: int
    bytes: int
    frames: int
    orientation: int
    size_class: str
    shape: str
    integrity: str


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a candidate or a page was not taken: a cause from `image_spider.causes` and one line of detail."""

    cause: str
    detail: str = ""


@dataclass(slots=True)
class ImageItem:
    """A candidate on its way through the pipelines.

    The images pipeline fills exactly one of image and failure; the catalog pipeline records it and lets the item
    go on once it is committed.
    """

    candidate: Candidate
    page_url: str
    page_title: str
    crawl_id: str
    seen_at: datetime
    image: Image | None = None
    failure: Failure | None = None
    fetched_at: datetime | None = None  # null: not downloaded this time


@dataclass(slots=True)
class PageItem:
    """A page that was read, or why it could not be."""

    page_url: str
    crawl_id: str
    seen_at: datetime
    failure: Failure | None = None
