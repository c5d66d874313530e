"""Near-duplicates while writing: one suite, two databases."""

from __future__ import annotations

import random
import threading
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select

from image_spider.catalog import duplicates, schema
from image_spider.catalog.catalog import Catalog
from image_spider.catalog.writes import Written, write_items
from image_spider.imaging.analysis import SCORES_VERSION
from image_spider.items import Duplicate, DuplicatePolicy, Image, ImageItem
from tests.samples import NOON, a_picture, an_image, an_item, flipped

FAR = (1 << 128) - 1  # a phash_256 that is 128 bits from 0


def items(*images: Image) -> list[ImageItem]:
    return [an_item(f"https://example.com/{image.sha256}.jpg", image=image) for image in images]


def write(catalog: Catalog, *images: Image, policy: DuplicatePolicy = "link") -> Written:
    return catalog.transaction(lambda c: write_items(c, items(*images), duplicates=policy))


def rows(catalog: Catalog, table: Any = schema.images) -> list[dict[str, Any]]:
    with catalog.reading() as connection:
        return [dict(row._mapping) for row in connection.execute(select(table).order_by(table.primary_key.columns[0]))]


def links(catalog: Catalog) -> dict[str, tuple[str, str, int] | None]:
    return {
        row["sha256"]: row["duplicate_of"] and (row["duplicate_of"], row["duplicate_kind"], row["duplicate_distance"])
        for row in rows(catalog)
    }


def low_bits(number: int) -> int:
    return (1 << number) - 1


# The decision


def test_an_image_is_linked_to_the_one_that_it_resembles(catalog: Catalog):
    first, same, near, other = (a_picture(n, low_bits(bits)) for n, bits in enumerate((0, 31, 51, 52)))
    write(catalog, first)
    written = write(catalog, same)
    assert written.duplicates == {same.sha256: Duplicate(first.sha256, "same", 31, larger=False)}
    assert written.linked == 1
    write(catalog, near)
    assert write(catalog, other).duplicates == {}
    assert links(catalog) == {
        first.sha256: None,
        same.sha256: (first.sha256, "same", 31),
        near.sha256: (first.sha256, "near", 51),
        other.sha256: None,
    }


@pytest.mark.parametrize("hash_256", [0, None])
def test_an_image_is_not_compared_with_one_that_another_version_measured(catalog: Catalog, hash_256: int | None):
    old, new = (a_picture(number, hash_256, pixels="p") for number in range(2))
    assert old.understanding
    write(catalog, replace(old, understanding=replace(old.understanding, scores_version=SCORES_VERSION - 1)))
    assert write(catalog, new).duplicates == {}


def test_equal_pixels_are_told_from_equal_hashes(catalog: Catalog):
    write(catalog, a_picture(1, 0, pixels="p"), a_picture(2, 0, pixels="p"), a_picture(3, 0, pixels="q"))
    assert sorted(link[1:] for link in links(catalog).values() if link) == [("pixel", 0), ("same", 0)]


def test_duplicates_in_one_batch_find_each_other(catalog: Catalog):
    small, large = a_picture(1, 0, 0), a_picture(2, 1, 0x7F, width=1280, height=960)
    written = write(catalog, small, large)
    assert written.duplicates == {large.sha256: Duplicate(small.sha256, "same", 1, larger=True)}


def test_a_batch_links_what_its_images_one_by_one_would(catalog_url: str, tmp_path: Any):
    draw = random.Random(3)
    pictures = []
    for number in range(150):
        hash_64 = flipped(0xF0F0, draw.sample(range(64), draw.randrange(6)))
        pictures.append(a_picture(number, flipped(0, draw.sample(range(256), draw.randrange(60))), hash_64))
    with Catalog(catalog_url) as one, Catalog(f"sqlite:///{tmp_path}/other.sqlite3") as other:
        one.upgrade()
        other.upgrade()
        write(one, *pictures)
        for picture in pictures:
            write(other, picture)
        assert links(one) == links(other)
        assert any(links(one).values())


def test_groups_are_flat_and_every_link_holds_against_the_original(catalog: Catalog):
    chain = [a_picture(n, low_bits(bits)) for n, bits in enumerate((0, 40, 80, 120, 41))]
    for picture in chain:
        write(catalog, picture)
    first, second, third, fourth, last = (picture.sha256 for picture in chain)
    assert links(catalog) == {
        first: None,
        second: (first, "near", 40),
        third: None,  # 40 bits from the second, which is no original, and 80 from the first
        fourth: (third, "near", 40),
        last: (third, "near", 39),  # of two originals the closer one
    }


def test_writing_again_changes_nothing(catalog: Catalog):
    batch = [a_picture(n, low_bits(10 * n)) for n in range(4)]
    first = write(catalog, *batch)
    before = rows(catalog)
    again = write(catalog, *reversed(batch))
    assert rows(catalog) == before
    assert (again.duplicates, again.linked) == (first.duplicates, 0)


def test_an_image_that_the_catalog_knew_keeps_what_was_recorded(catalog: Catalog):
    write(catalog, an_image("a"))
    write(catalog, a_picture(1, 0), an_image("a", understanding=a_picture(2, 0).understanding))
    assert links(catalog)["a" * 64] is None


def test_stills_of_low_information_are_linked_by_their_pixels_alone(catalog: Catalog):
    white, again, black = a_picture(1, None, pixels="w"), a_picture(2, None, pixels="w"), a_picture(3, None)
    write(catalog, white)
    write(catalog, again, black, a_picture(4, 0))
    assert links(catalog)[again.sha256] == (white.sha256, "pixel", 0)
    assert sum(link is not None for link in links(catalog).values()) == 1


def test_an_animation_is_no_duplicate_of_its_first_frame(catalog: Catalog):
    write(catalog, a_picture(1, 0), a_picture(2, 0, frames=9), a_picture(3, 0, frames=9))
    assert sorted(link[1:] for link in links(catalog).values() if link) == [("same", 0)]
    blank = [a_picture(n, None, pixels="w", frames=9) for n in (5, 6)]
    write(catalog, *blank)
    assert [links(catalog)[picture.sha256] for picture in blank] == [None, None]


def test_an_image_without_hashes_is_neither_searched_nor_found(catalog: Catalog):
    write(catalog, an_image("a"), an_image("b"), a_picture(1, 0))
    assert set(links(catalog).values()) == {None}


def test_either_hash_can_be_searched(catalog: Catalog, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(duplicates, "SEARCHED", "phash_64")
    one, two = a_picture(1, 0), a_picture(2, 0)
    assert two.understanding
    two = replace(two, understanding=replace(two.understanding, dhash_64="f" * 16))
    write(catalog, one)
    write(catalog, two)
    assert links(catalog)[two.sha256] == (one.sha256, "same", 0)


def test_a_large_batch_is_one_transaction(catalog: Catalog):
    pictures = [a_picture(n, n << 200, n % 2 and FAR >> 64) for n in range(1200)]
    assert write(catalog, *pictures).linked > 0
    assert len(rows(catalog)) == 1200


def test_two_writers_at_once_leave_one_original(catalog_url: str):
    with Catalog(catalog_url) as catalog:
        catalog.upgrade()
    started = threading.Barrier(4)

    def run(number: int) -> None:
        with Catalog(catalog_url) as catalog:
            started.wait()
            for step in range(10):
                write(catalog, a_picture(100 * number + step, low_bits(step), 0))

    threads = [threading.Thread(target=run, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with Catalog(catalog_url) as catalog:
        assert len(rows(catalog)) == 40
        assert sum(link is None for link in links(catalog).values()) == 1


# The policy


def test_keep_does_not_look(catalog: Catalog):
    assert write(catalog, a_picture(1, 0), a_picture(2, 0), policy="keep").duplicates == {}
    assert set(links(catalog).values()) == {None}


def test_drop_refuses_a_duplicate_and_says_of_what(catalog: Catalog):
    first, second = a_picture(1, 0), a_picture(2, low_bits(5))
    write(catalog, first, policy="drop")
    written = write(catalog, second, policy="drop")
    assert [row["sha256"] for row in rows(catalog)] == [first.sha256]
    assert [row["image_sha256"] for row in rows(catalog, schema.sightings)] == [first.sha256]
    (failure,) = rows(catalog, schema.failures)
    assert failure["cause"] == "duplicate"
    assert failure["detail"] == f"same: 5 of 256 bits differ from {first.sha256}"
    assert failure["detail"] == written.refused[second.sha256].detail
    assert written.linked == 0


def test_drop_refuses_the_second_of_one_batch_and_does_so_again(catalog: Catalog):
    for _ in range(2):
        assert list(write(catalog, a_picture(1, 0), a_picture(2, 0), policy="drop").refused) == [a_picture(2, 0).sha256]
    assert (len(rows(catalog)), len(rows(catalog, schema.failures))) == (1, 1)


def test_drop_keeps_the_larger_version_of_a_picture_that_was_seen_small_first(catalog: Catalog):
    small, large = a_picture(1, 0), a_picture(2, 0, width=1280, height=960)
    written = write(catalog, small, large, policy="drop")
    assert written.refused == {}
    assert links(catalog)[large.sha256] == (small.sha256, "same", 0)


def test_drop_leaves_a_duplicate_that_was_recorded_before(catalog: Catalog):
    write(catalog, a_picture(1, 0), a_picture(2, 0))
    written = write(catalog, a_picture(2, 0), policy="drop")
    assert written.refused == {}
    assert written.duplicates.keys() == {a_picture(2, 0).sha256}
    assert rows(catalog)[0]["last_seen"] == NOON
