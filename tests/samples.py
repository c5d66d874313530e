"""Images, items and pages that tests make up."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from image_spider.imaging.analysis import SCORES_VERSION
from image_spider.items import Candidate, Failure, Image, ImageItem, PageItem, Topic, Understanding

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
PAGE = "https://example.com/"
URL = "https://example.com/a.jpg"


def an_image(digit: str = "a", **changes: Any) -> Image:
    image = Image(
        sha256=digit * 64,
        path=f"{digit * 2}/{digit * 2}/{digit * 64}.jpg",
        format="jpeg",
        width=640,
        height=480,
        bytes=1000,
        frames=1,
        orientation=1,
        size_class="small",
        shape="landscape",
        integrity="ok",
    )
    return replace(image, **changes)


def flipped(word: int, places: Sequence[int]) -> int:
    """Change these bits of a hash."""
    return word ^ sum(1 << place for place in places)


def understood(phash_256: int | None, hash_64: int = 0, *, pixels: str = "") -> Understanding:
    """What was understood of an image with these hashes; its pixels are its own unless they are named."""
    hash_256 = None if phash_256 is None else f"{phash_256:064x}"
    word = None if phash_256 is None else f"{hash_64:016x}"
    return Understanding(
        pixel_hash=hashlib.sha256((pixels or f"{hash_256}{word}").encode()).hexdigest(),
        phash_256=hash_256,
        phash_64=word,
        dhash_64=word,
        scores={},
        flags=() if hash_256 else ("low_information",),
        quality=0.5,
        content="photo",
        rules_version=1,
        scores_version=SCORES_VERSION,
    )


def a_picture(number: int, phash_256: int | None, hash_64: int = 0, *, pixels: str = "", **changes: Any) -> Image:
    """An image of its own bytes, and with these hashes."""
    sha256 = hashlib.sha256(str(number).encode()).hexdigest()
    path = f"{sha256[:2]}/{sha256[2:4]}/{sha256}.jpg"
    understanding = understood(phash_256, hash_64, pixels=pixels or str(number))
    return an_image(**{"sha256": sha256, "path": path, "understanding": understanding} | changes)


def an_item(
    url: str = URL,
    *,
    image: Image | None = None,
    failure: Failure | None = None,
    page: str = PAGE,
    crawl: str = "c",
    seen_at: datetime = NOON,
    fetched: bool = True,
    topics: tuple[Topic, ...] = (),
    **words: Any,
) -> ImageItem:
    return ImageItem(
        candidate=Candidate(url, "img", **words),
        page_url=page,
        page_title="Title",
        crawl_id=crawl,
        seen_at=seen_at,
        topics=topics,
        image=image,
        failure=failure,
        fetched_at=seen_at if image and fetched else None,
    )


def a_page(url: str = PAGE, *, failure: Failure | None = None) -> PageItem:
    return PageItem(page_url=url, crawl_id="c", failure=failure, seen_at=NOON)


def a_page_failure(url: str = PAGE, cause: str = "status") -> PageItem:
    return a_page(url, failure=Failure(cause, "HTTP 500"))
