"""What the spider yields: a PageItem per page and an ImageItem per candidate."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

DuplicatePolicy = Literal["keep", "link", "drop"]
DuplicateKind = Literal["pixel", "same", "near"]


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
class Topic:
    """A subject of an image: score 0..1, source "words" (beside the image) or "model"."""

    name: str
    score: float
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Understanding:
    """What the pixels of an image told.

    The hashes are hexadecimal; None for an image of low information. scores are the raw measurements by name; flags,
    quality (0..1) and content are what rules_version made of them; scores_version is that of the measuring.
    label_model names the model that gave topics.
    """

    pixel_hash: str
    phash_256: str | None
    phash_64: str | None
    dhash_64: str | None
    scores: dict[str, float | None]
    flags: tuple[str, ...]
    quality: float
    content: str
    rules_version: int
    scores_version: int
    label_model: str | None = None
    topics: tuple[Topic, ...] = ()


@dataclass(frozen=True, slots=True)
class Image:
    """One unique image: the row of table `images`, keyed by the SHA-256 of its bytes.

    path is relative to the store. width and height are pixels as displayed (EXIF orientation applied); bytes is
    the size of the file; orientation is the EXIF value 1..8. understanding is None for an image that is not decoded
    (SVG) or that the catalog knew already.
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
    understanding: Understanding | None = None


@dataclass(frozen=True, slots=True)
class Duplicate:
    """What an image is a duplicate of: the SHA-256 of an original, in how many of 256 bits their hashes differ.

    larger tells that it has more pixels than that original, which was merely seen first.
    """

    of: str
    kind: DuplicateKind
    distance: int
    larger: bool


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a candidate or a page was not taken: a cause from `image_spider.causes` and one line of detail."""

    cause: str
    detail: str = ""


@dataclass(slots=True)
class ImageItem:
    """A candidate on its way through the pipelines.

    topics are those of the words beside the image; a model's are in image.understanding. The images pipeline fills
    exactly one of image and failure; the catalog pipeline records it, adds the duplicate, and lets the item go on once
    it is committed.
    """

    candidate: Candidate
    page_url: str
    page_title: str
    crawl_id: str
    seen_at: datetime
    topics: tuple[Topic, ...] = ()
    image: Image | None = None
    failure: Failure | None = None
    fetched_at: datetime | None = None  # null: not downloaded this time
    duplicate: Duplicate | None = None


@dataclass(slots=True)
class PageItem:
    """A page that was read, or why it could not be."""

    page_url: str
    crawl_id: str
    seen_at: datetime
    failure: Failure | None = None
