"""Report queries that could differ between the two databases."""

from __future__ import annotations

from image_spider.catalog import report_queries
from image_spider.catalog.catalog import Catalog
from image_spider.catalog.writes import write_items
from image_spider.items import Topic
from image_spider.report.facets import FACETS
from tests.samples import URL, an_image, an_item


def test_images_are_counted_by_each_of_their_topics(catalog: Catalog):
    animals, model, home = Topic("animals", 0.6, "words"), Topic("animals", 0.9, "model"), Topic("home", 0.3, "words")
    items = [
        an_item(f"{URL}?{digit}", image=an_image(digit), topics=topics)
        for digit, topics in {"a": (animals, model, home), "b": (home,), "c": ()}.items()
    ]
    other = an_item(f"{URL}?d", image=an_image("d"), topics=(animals,), crawl="other")
    catalog.transaction(lambda connection: write_items(connection, [*items, other]))
    (pairs,) = [facet.pairs for facet in FACETS if facet.name == "topic"]
    assert pairs is not None
    with catalog.reading() as connection:
        assert report_queries.images_by_pairs(connection, "c", pairs=pairs) == {"animals": 1, "home": 2, None: 1}
        assert report_queries.images_by_pairs(connection, None, pairs=pairs) == {"animals": 2, "home": 2, None: 1}
        shown = [digit * 64 for digit in "cba"]
        assert report_queries.values_of(connection, shown, pairs=pairs) == {
            "a" * 64: ["animals", "home"],
            "b" * 64: ["home"],
        }
