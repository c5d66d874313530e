"""One suite, two databases."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from image_spider.catalog.catalog import Catalog
from image_spider.catalog.listing import Filters, count_matching, matching_images
from image_spider.catalog.writes import write_items
from image_spider.items import ImageItem, Topic
from tests.samples import an_image, an_item, understood


def a_found(digit: str, url: str, *, quality: float = 0.5, content: str = "photo", **item: Any) -> ImageItem:
    changes = {name: item.pop(name) for name in ("format", "size_class", "shape") if name in item}
    understanding = replace(understood(None, pixels=digit), quality=quality, content=content)
    return an_item(url, image=an_image(digit, understanding=understanding, **changes), **item)


@pytest.fixture
def filled(catalog: Catalog) -> Catalog:
    items = [
        a_found("a", "https://one.example/a.jpg", alt="A black cat, asleep", quality=0.9),
        a_found("b", "https://one.example/b.png", format="png", content="graphic", title="Cat-like logo", crawl="d"),
        a_found("c", "http://two.example:8080/c.jpg", shape="square", caption="一只黑猫在睡觉", quality=0.1),
        a_found("d", "https://two.example/d.jpg", size_class="large", topics=(Topic("animals", 0.9, "words"),)),
        a_found("a", "https://two.example/a.jpg", alt="the same again", quality=0.9, crawl="d"),
        an_item("https://one.example/unfetched.jpg", alt="a cat that was not downloaded"),
    ]
    catalog.transaction(lambda connection: write_items(connection, items, duplicates="keep"))
    return catalog


def listed(catalog: Catalog, **filters: Any) -> str:
    """The first digits of the images listed."""
    with catalog.reading() as connection:
        found = matching_images(connection, Filters(**filters), limit=10)
        assert count_matching(connection, Filters(**filters), at_most=10) == len(found)
    return "".join(sha256[0] for sha256 in found)


@pytest.mark.parametrize(
    ("filters", "images"),
    [
        ({}, "abcd"),
        ({"format": "png"}, "b"),
        ({"size_class": "large"}, "d"),
        ({"shape": "square"}, "c"),
        ({"content": "graphic"}, "b"),
        ({"quality_from": 0.5}, "abd"),
        ({"quality_to": 0.5}, "bcd"),
        ({"quality_from": 0.2, "quality_to": 0.6}, "bd"),
        ({"topic": "animals"}, "d"),
        ({"topic": "plants"}, ""),
        ({"host": "one.example"}, "ab"),
        ({"host": "two.example"}, "acd"),
        ({"crawl_id": "d"}, "ab"),
        ({"crawl_id": "c", "host": "two.example"}, "cd"),
        ({"crawl_id": "d", "host": "one.example", "format": "png"}, "b"),
        ({"crawl_id": "d", "text": "black"}, ""),
    ],
)
def test_images_are_listed_by_what_they_are_and_where_they_were_seen(filled: Catalog, filters: Any, images: str):
    assert listed(filled, **filters) == images


@pytest.mark.parametrize(
    ("text", "images"),
    [
        ("cat", "ab"),
        ("CAT black", "a"),
        ("logo, cat!", "b"),
        ("title", "abcd"),  # of the page
        ("黑猫", "c"),
        ("睡觉 黑猫", "c"),
        ("猫黑", ""),
        ("'; drop table images --", ""),
        ("100%", ""),
        ("or", ""),
        ("  ... ", "abcd"),
    ],
)
def test_images_are_listed_by_the_words_beside_them(filled: Catalog, text: str, images: str):
    assert listed(filled, text=text) == images


def test_a_page_begins_where_the_last_one_ended(filled: Catalog):
    pages, after = [], ""
    with filled.reading() as connection:
        while page := matching_images(connection, Filters(host="two.example"), after=after, limit=2):
            pages.append("".join(sha256[0] for sha256 in page))
            after = page[-1]
    assert pages == ["ac", "d"]


def test_no_more_are_counted_than_asked_for(filled: Catalog):
    with filled.reading() as connection:
        assert count_matching(connection, Filters(), at_most=3) == 3


def test_a_text_longer_than_any_index_takes_is_written_and_listed(catalog: Catalog):
    words = " ".join(f"word{number}" for number in range(200_000))
    item = a_found("a", f"https://{'x' * 3000}.example/", alt=words, caption="y" * 3000)
    catalog.transaction(lambda connection: write_items(connection, [item]))
    assert listed(catalog, text="word5") == "a"
