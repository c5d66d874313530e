"""The queue of copies, on both databases."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial

import pytest

from image_spider.catalog.catalog import Catalog
from image_spider.catalog.copies import (
    Behind,
    behind,
    claim_copies,
    finish_copies,
    forget_mirror,
    hurry_copies,
    postpone_copy,
    queue_copies,
    release_copies,
)
from image_spider.catalog.writes import write_items
from tests.samples import NOON, an_image, an_item

MIRROR, OTHER = "s3://mirror/images", "/mnt/mirror"
DIGITS = "abcdef"
SOON, LATER = NOON + timedelta(minutes=5), NOON + timedelta(hours=1)


@pytest.fixture
def queued(catalog: Catalog) -> list[str]:
    """Six images, 1000 bytes each, that MIRROR lacks."""
    found = [an_image(digit) for digit in DIGITS]
    items = [an_item(f"https://example.com/{image.sha256}", image=image) for image in found]
    catalog.transaction(lambda connection: write_items(connection, items, duplicates="keep"))
    sha256s = [image.sha256 for image in found]
    catalog.transaction(partial(queue_copies, sha256s=sha256s, mirrors=[MIRROR], now=NOON))
    return sha256s


def claim(catalog: Catalog, *, mirror: str = MIRROR, now=NOON, limit: int = 100) -> list[str]:
    work = partial(claim_copies, mirror=mirror, now=now, until=now + timedelta(minutes=5), limit=limit)
    return [copy.sha256 for copy in catalog.transaction(work)]


def test_what_is_queued_twice_is_queued_once_and_keeps_its_place(catalog: Catalog, queued: list[str]):
    catalog.transaction(partial(queue_copies, sha256s=queued, mirrors=[MIRROR, OTHER], now=LATER))
    state = {MIRROR: NOON, OTHER: LATER}
    assert catalog.read(behind) == [
        Behind(mirror=mirror, files=6, bytes=6000, since=state[mirror], failing=0, error="") for mirror in sorted(state)
    ]


def test_an_image_without_a_row_is_not_queued(catalog: Catalog, queued: list[str]):
    catalog.transaction(partial(queue_copies, sha256s=["0" * 64], mirrors=[OTHER], now=NOON))
    assert claim(catalog, mirror=OTHER) == []


def test_a_claimed_copy_is_nobody_elses_until_its_time_has_come(catalog: Catalog, queued: list[str]):
    first = claim(catalog, limit=4)
    assert len(first) == 4
    second = claim(catalog)
    assert sorted(first + second) == queued
    assert claim(catalog) == []
    assert sorted(claim(catalog, now=SOON)) == queued


def test_many_who_claim_at_once_never_claim_the_same(catalog: Catalog, catalog_url: str, queued: list[str]):
    def claim_alone(_: int) -> list[str]:
        with Catalog(catalog_url) as own:
            own.open()
            return claim(own, limit=2)

    with ThreadPoolExecutor(4) as threads:
        claimed = [sha256 for part in threads.map(claim_alone, range(4)) for sha256 in part]
    assert sorted(claimed + claim(catalog)) == queued


def test_a_copy_that_is_safe_leaves_the_queue(catalog: Catalog, queued: list[str]):
    claim(catalog)
    catalog.transaction(partial(finish_copies, sha256s=queued[:5], mirror=MIRROR))
    (left,) = catalog.read(behind)
    assert (left.files, left.bytes) == (1, 1000)
    catalog.transaction(partial(finish_copies, sha256s=queued, mirror=MIRROR))
    assert catalog.read(behind) == []


def test_a_copy_that_failed_waits_and_tells_why_unless_somebody_is_in_a_hurry(catalog: Catalog, queued: list[str]):
    claim(catalog)
    catalog.transaction(partial(finish_copies, sha256s=queued[1:], mirror=MIRROR))
    postpone = partial(postpone_copy, sha256=queued[0], mirror=MIRROR, due_at=LATER, error="the disk is full")
    catalog.transaction(postpone)
    (state,) = catalog.read(behind)
    assert (state.failing, state.error) == (1, "the disk is full")
    assert claim(catalog, now=SOON) == []
    catalog.transaction(partial(hurry_copies, mirror=MIRROR, now=SOON))
    assert claim(catalog, now=SOON) == queued[:1]
    assert claim(catalog, now=LATER) == queued[:1]


def test_a_copy_that_was_given_back_counts_no_attempt(catalog: Catalog, queued: list[str]):
    claim(catalog)
    catalog.transaction(partial(release_copies, sha256s=queued, mirror=MIRROR, due_at=NOON))
    again = catalog.transaction(partial(claim_copies, mirror=MIRROR, now=NOON, until=SOON, limit=100))
    assert {copy.attempts for copy in again} == {1}
    later = catalog.transaction(partial(claim_copies, mirror=MIRROR, now=SOON, until=LATER, limit=100))
    assert {copy.attempts for copy in later} == {2}


def test_a_mirror_that_is_one_no_more_can_be_forgotten(catalog: Catalog, queued: list[str]):
    assert catalog.transaction(partial(forget_mirror, mirror=OTHER)) == 0
    assert catalog.transaction(partial(forget_mirror, mirror=MIRROR)) == 6
    assert catalog.read(behind) == []
