"""Batches as the catalog pipeline writes them, of made-up items."""

from __future__ import annotations

import random
from datetime import UTC, datetime

from image_spider.imaging.analysis import SCORES_VERSION
from image_spider.items import Candidate, Image, ImageItem, PageItem, Topic, Understanding

PAGES = 40
ITEMS_OF_PAGE = 5
NOW = datetime.now(UTC)
WORDS = [
    "the",
    "old",
    "harbour",
    "in",
    "morning",
    "light",
    "with",
    "two",
    "small",
    "boats",
    "and",
    "a",
    "red",
    "house",
    "behind",
    "trees",
    "near",
    "water",
]
TOPICS = ("nature", "travel", "architecture", "animals", "food", "people", "sports", "technology")


def batch(number: int) -> list[ImageItem | PageItem]:
    """Make what the pipeline writes at once: 200 images, five to a page, all new, and their pages."""
    draw = random.Random(number)
    pages = [f"https://www.site{draw.randrange(50)}.example/articles/{draw.getrandbits(64)}.html" for _ in range(PAGES)]
    items: list[ImageItem | PageItem] = [PageItem(page, "benchmark", NOW) for page in pages]
    return items + [_item(draw, page) for page in pages for _ in range(ITEMS_OF_PAGE)]


def _item(draw: random.Random, page: str) -> ImageItem:
    sha256 = draw.randbytes(32).hex()
    candidate = Candidate(
        f"https://images{draw.randrange(100)}.example/2026/11/{sha256[:16]}-1024x768.jpg",
        "img",
        alternatives=(f"https://images.example/{sha256[:16]}-512x384.jpg",),
        alt=" ".join(draw.choices(WORDS, k=8)),
        caption=" ".join(draw.choices(WORDS, k=12)),
        text=" ".join(draw.choices(WORDS, k=40)),
        width=1024,
        height=768,
    )
    found = draw.sample(TOPICS, 2)
    return ImageItem(
        candidate=candidate,
        page_url=page,
        page_title=" ".join(draw.choices(WORDS, k=6)),
        crawl_id="benchmark",
        seen_at=NOW,
        topics=tuple(Topic(name, round(draw.random(), 3), "words") for name in found),
        image=_image(draw, sha256),
        fetched_at=NOW,
    )


def _image(draw: random.Random, sha256: str) -> Image:
    hash_64 = draw.randbytes(8).hex()
    understanding = Understanding(
        pixel_hash=draw.randbytes(16).hex(),
        phash_256=draw.randbytes(32).hex(),
        phash_64=hash_64,
        dhash_64=hash_64,
        scores={f"score_{number}": round(draw.random(), 4) for number in range(36)},
        flags=(),
        quality=round(draw.random(), 3),
        content=draw.choice(("photo", "illustration", "graphic")),
        rules_version=1,
        scores_version=SCORES_VERSION,
    )
    path = f"{sha256[:2]}/{sha256[2:4]}/{sha256}.jpg"
    return Image(sha256, path, "jpeg", 1024, 768, 150_000, 1, 1, "medium", "landscape", "ok", understanding)
