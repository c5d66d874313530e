"""Classes are made anew from stored scores."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice
from typing import Any

import pytest
from sqlalchemy import select

from image_spider.catalog import reclassification
from image_spider.catalog.catalog import Catalog
from image_spider.catalog.measurements import write_measurements
from image_spider.catalog.reclassification import count_outdated, reclassify
from image_spider.catalog.schema import FLAGS, images
from image_spider.catalog.writes import write_items
from image_spider.imaging.describe import describe
from image_spider.imaging.rules import RULES_VERSION, Verdict
from image_spider.items import Understanding
from tests.samples import a_picture, an_image, an_item
from tests.unit.imaging.drawings import saved, scene


@pytest.fixture(scope="module")
def truth() -> Understanding:
    understanding = describe(saved(scene(), "JPEG", quality=10), max_pixels=64_000_000).understanding
    assert understanding
    assert understanding.flags
    return understanding


def write_outdated(catalog: Catalog, truth: Understanding, number: int) -> None:
    """Write images whose scores are true, and whose classes are those of other rules."""
    old = replace(truth, flags=("dark",), quality=0.0, content="blank", rules_version=RULES_VERSION - 1)
    found = [
        an_item(f"https://example.com/{place}", image=a_picture(place, None, understanding=old))
        for place in range(number)
    ]
    catalog.transaction(lambda connection: write_items(connection, found, duplicates="keep"))


def classes(catalog: Catalog) -> list[tuple[Any, ...]]:
    columns = [images.c[name] for name in ("rules_version", "quality", "content", *FLAGS)]
    with catalog.reading() as connection:
        return [tuple(row) for row in connection.execute(select(*columns).order_by(images.c.sha256))]


def test_classes_by_other_rules_are_made_anew(catalog: Catalog, truth: Understanding):
    write_outdated(catalog, truth, 3)
    assert list(reclassify(catalog)) == [3]
    flags = [flag in truth.flags for flag in FLAGS]
    assert classes(catalog) == [(RULES_VERSION, truth.quality, truth.content, *flags)] * 3


def test_what_is_up_to_date_or_was_never_measured_is_left_alone(catalog: Catalog, truth: Understanding):
    kept = replace(truth, flags=("dark",), content="blank")
    found = [an_item(image=an_image("a")), an_item("b", image=a_picture(1, None, understanding=kept))]
    catalog.transaction(lambda connection: write_items(connection, found))
    before = classes(catalog)
    assert (count_outdated(catalog), list(reclassify(catalog))) == (0, [])
    assert classes(catalog) == before


def test_ended_in_between_it_goes_on_with_what_is_left(
    catalog: Catalog, truth: Understanding, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(reclassification, "BATCH_IMAGES", 2)
    write_outdated(catalog, truth, 5)
    assert list(islice(reclassify(catalog), 1)) == [2]
    assert count_outdated(catalog) == 3
    assert list(reclassify(catalog)) == [2, 1]
    assert count_outdated(catalog) == 0


def test_what_is_measured_anew_meanwhile_keeps_its_classes(
    catalog: Catalog, truth: Understanding, monkeypatch: pytest.MonkeyPatch
):
    write_outdated(catalog, truth, 1)
    measured = a_picture(0, None, understanding=replace(truth, flags=("dark",), content="blank"))
    evaluate = reclassification.evaluate

    def evaluate_while_a_rescan_writes(scores: dict[str, float]) -> Verdict:
        catalog.transaction(lambda connection: write_measurements(connection, [measured], link=False))
        return evaluate(scores)

    monkeypatch.setattr(reclassification, "evaluate", evaluate_while_a_rescan_writes)
    assert list(reclassify(catalog)) == [1]
    flags = [flag == "dark" for flag in FLAGS]
    assert classes(catalog) == [(RULES_VERSION, truth.quality, "blank", *flags)]
