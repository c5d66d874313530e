"""Images, items and pages that tests make up."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from image_spider.items import Candidate, Failure, Image, ImageItem, PageFailure

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


def an_item(
    url: str = URL,
    *,
    image: Image | None = None,
    failure: Failure | None = None,
    page: str = PAGE,
    crawl: str = "c",
    seen_at: datetime = NOON,
    **words: Any,
) -> ImageItem:
    return ImageItem(
        candidate=Candidate(url, "img", **words),
        page_url=page,
        page_title="Title",
        crawl_id=crawl,
        seen_at=seen_at,
        image=image,
        failure=failure,
    )


def a_page_failure(url: str = PAGE, cause: str = "status", *, seen_at: datetime = NOON) -> PageFailure:
    return PageFailure(page_url=url, crawl_id="c", failure=Failure(cause, "HTTP 500"), seen_at=seen_at)
