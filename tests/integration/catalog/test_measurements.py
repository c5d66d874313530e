"""What a rescan writes: the same, however it is cut into batches and wherever it is interrupted."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import islice
from typing import Any

import pytest
from sqlalchemy import select, update

from image_spider.catalog.catalog import Catalog
from image_spider.catalog.measurements import (
    STAGES,
    count_outdated,
    measure_all_anew,
    next_outdated,
    write_measurements,
)
from image_spider.catalog.schema import images
from image_spider.catalog.writes import write_items
from image_spider.imaging.hashes import NEAR_BITS, distance
from image_spider.items import Image
from tests.samples import a_picture, an_item, flipped

Link = tuple[str, str, int] | None


def written(catalog: Catalog, *found: Image) -> None:
    for image in found:  # one by one, so that the order decides who is an original
        item = an_item(f"https://example.com/{image.sha256}.jpg", image=image)
        catalog.transaction(lambda connection, item=item: write_items(connection, [item]))


def rescanned(catalog: Catalog, now: Mapping[str, Image], *, batch: int = 64, link: bool = True) -> Iterator[int]:
    """Write what is measured now; images that are not in it could not be. Yields after each batch."""
    for stage in range(len(STAGES)):
        after = ""
        while True:
            with catalog.reading() as connection:
                found = next_outdated(connection, stage=stage, after=after, label_model=None, limit=batch)
            if not found:
                break
            after = found[-1].sha256
            measured = [now[image.sha256] for image in found if image.sha256 in now]
            catalog.transaction(
                lambda connection, measured=measured: write_measurements(connection, measured, link=link)
            )
            yield len(measured)


def all_anew(catalog: Catalog, *found: Image, link: bool = True) -> None:
    measure_all_anew(catalog)
    list(rescanned(catalog, {image.sha256: image for image in found}, link=link))


def rows(catalog: Catalog) -> list[dict[str, Any]]:
    with catalog.reading() as connection:
        return [dict(row._mapping) for row in connection.execute(select(images).order_by(images.c.sha256))]


def links(catalog: Catalog) -> dict[str, Link]:
    return {
        row["sha256"]: row["duplicate_of"] and (row["duplicate_of"], row["duplicate_kind"], row["duplicate_distance"])
        for row in rows(catalog)
    }


def low_bits(number: int) -> int:
    return (1 << number) - 1


def test_equal_measurements_change_nothing(catalog: Catalog):
    found = [a_picture(n, low_bits(bits)) for n, bits in enumerate((0, 31, 51, 120, 130))]
    written(catalog, *found)
    before = rows(catalog)
    all_anew(catalog, *found)
    assert rows(catalog) == before
    assert sum(link is not None for link in links(catalog).values()) == 3


def test_a_duplicate_comes_to_a_closer_original_that_was_seen_later(catalog: Catalog):
    found = first, copy, later = [a_picture(n, low_bits(bits)) for n, bits in enumerate((0, 51, 90))]
    written(catalog, *found)
    assert links(catalog)[copy.sha256] == (first.sha256, "near", 51)
    for _ in range(2):
        all_anew(catalog, *found)
        assert links(catalog) == {first.sha256: None, copy.sha256: (later.sha256, "near", 39), later.sha256: None}


def test_a_duplicate_whose_picture_is_no_longer_like_its_original_becomes_one(catalog: Catalog):
    first, second = a_picture(1, 0), a_picture(2, low_bits(20))
    written(catalog, first, second)
    all_anew(catalog, first, a_picture(2, low_bits(52)))
    assert links(catalog) == {first.sha256: None, second.sha256: None}


def test_images_that_are_alike_now_are_linked(catalog: Catalog):
    pictures = [a_picture(n, low_bits(100 * n)) for n in range(3)]
    written(catalog, *pictures)
    assert set(links(catalog).values()) == {None}
    all_anew(catalog, *(a_picture(n, low_bits(n)) for n in range(3)))
    first, *others = sorted(picture.sha256 for picture in pictures)
    assert links(catalog)[first] is None
    assert {link and link[0] for sha256, link in links(catalog).items() if sha256 in others} == {first}


def test_an_original_that_others_name_stays_one_though_it_resembles_another_now(catalog: Catalog):
    one, other = [a_picture(1, 0), a_picture(2, 1)], [a_picture(3, low_bits(120)), a_picture(4, low_bits(121))]
    written(catalog, *one, *other)
    before = links(catalog)
    assert sum(link is not None for link in before.values()) == 2
    all_anew(catalog, *one, *(a_picture(number, low_bits(number)) for number in (3, 4)))
    after = links(catalog)
    assert {sha256 for sha256, link in after.items() if not link} == {one[0].sha256, other[0].sha256}


def test_a_duplicate_of_an_original_that_could_not_be_measured_keeps_its_link(catalog: Catalog):
    original, copy = a_picture(1, 0), a_picture(2, 1)
    written(catalog, original, copy)
    before = links(catalog)
    all_anew(catalog, a_picture(2, low_bits(200)))
    assert links(catalog) == before
    with catalog.reading() as connection:
        assert count_outdated(connection, label_model=None) == 1


def test_keep_leaves_every_link(catalog: Catalog):
    original, copy = a_picture(1, 0), a_picture(2, 1)
    written(catalog, original, copy)
    before = links(catalog)
    all_anew(catalog, original, a_picture(2, low_bits(200)), link=False)
    assert links(catalog) == before


@pytest.mark.parametrize(("batch", "ended_after"), [(1, ()), (7, (2,)), (64, (1, 1)), (5, (1, 3, 2, 4, 1, 1, 9))])
def test_the_outcome_does_not_depend_on_batches_and_interruptions(
    catalog: Catalog, tmp_path: Any, batch: int, ended_after: tuple[int, ...]
):
    draw = random.Random(5)

    def drawn(number: int) -> Image:
        hash_64 = flipped(0xF0F0, draw.sample(range(64), draw.randrange(6)))
        phash = None if number % 10 == 9 else flipped(0, draw.sample(range(256), draw.randrange(60)))
        return a_picture(number, phash, hash_64, pixels=f"blank {draw.randrange(3)}" if phash is None else "")

    old = [drawn(number) for number in range(150)]
    new = {image.sha256: image for image in map(drawn, range(150)) if draw.random() > 0.05}
    with Catalog(f"sqlite:///{tmp_path}/undisturbed.sqlite3") as undisturbed:
        for each in (undisturbed, catalog):
            each.upgrade()
            written(each, *old)
            measure_all_anew(each)
        list(rescanned(undisturbed, new))
        for batches in ended_after:
            list(islice(rescanned(catalog, new, batch=batch), batches))
        list(rescanned(catalog, new, batch=batch))
        assert links(catalog) == links(undisturbed)
    found = links(catalog)
    assert len(set(found.values())) > 10
    for sha256, link in found.items():
        assert link is None or found[link[0]] is None, "a chain"
        if link and link[1] != "pixel" and {sha256, link[0]} <= new.keys():
            hashes = [new[each].understanding.phash_256 for each in (sha256, link[0])]  # type: ignore[union-attr]
            assert distance(*hashes) == link[2] <= NEAR_BITS


def test_a_row_without_an_understanding_is_measured_and_one_of_an_svg_is_not(catalog: Catalog):
    unmeasured = replace(a_picture(1, 0), understanding=None)
    written(catalog, unmeasured, replace(a_picture(2, 0), format="svg", understanding=None), a_picture(3, 1))
    with catalog.reading() as connection:
        assert count_outdated(connection, label_model=None) == 1
        assert count_outdated(connection, label_model="model@1") == 2
    list(rescanned(catalog, {unmeasured.sha256: a_picture(1, 0)}))
    assert links(catalog)[unmeasured.sha256] == (a_picture(3, 1).sha256, "same", 1)


def test_a_row_that_is_gone_meanwhile_is_not_made_again(catalog: Catalog):
    catalog.transaction(lambda connection: write_measurements(connection, [a_picture(1, 0)], link=True))
    assert rows(catalog) == []


def test_another_rescan_of_the_same_rows_changes_nothing(catalog: Catalog):
    first, second = a_picture(1, 0), a_picture(2, 1)
    written(catalog, first, second)
    all_anew(catalog, first, second)
    before = rows(catalog)
    catalog.transaction(lambda connection: write_measurements(connection, [second, first], link=True))
    assert rows(catalog) == before


def test_hashes_of_another_version_are_not_compared(catalog: Catalog):
    stale, other = a_picture(1, 0), a_picture(2, low_bits(128))
    written(catalog, stale, other)
    catalog.transaction(lambda connection: connection.execute(update(images).values(scores_version=0)))
    list(rescanned(catalog, {other.sha256: a_picture(2, 0)}))
    assert set(links(catalog).values()) == {None}
