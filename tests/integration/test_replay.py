"""Ledgers put back into an empty catalog, on both databases."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path

import pytest
from sqlalchemy import delete

from image_spider.catalog import schema
from image_spider.catalog.catalog import Catalog
from image_spider.catalog.crawls import start_crawl
from image_spider.catalog.writes import write_items
from image_spider.crawl import Crawl
from image_spider.items import ImageItem, Topic
from image_spider.replay import Replay, Replayed
from image_spider.stores.ledger import Ledger, ledgers
from image_spider.stores.local import LocalStore
from tests.integration.test_rescan import FILES, crawled, rescan, rows
from tests.samples import NOON, an_item

TABLES = (schema.images, schema.sightings, schema.topics)


def later(minutes: int) -> datetime:
    return NOON + timedelta(minutes=minutes)


def record(catalog: Catalog, ledger: Ledger, *items: ImageItem) -> None:
    """Record items as a worker does."""
    catalog.transaction(lambda connection: write_items(connection, items))
    ledger.append(items)


@pytest.fixture
def seen(catalog: Catalog, store: LocalStore) -> list[ImageItem]:
    """What two workers have recorded, the second one earlier: six images, sightings of two more kinds, a repetition."""
    found = [
        an_item(
            f"https://example.com/{number}",
            image=crawled(store, data),
            topics=(Topic("nature", 0.7, "words"),),
            seen_at=later(number),
        )
        for number, data in enumerate(FILES)
    ]
    again = replace(found[1], seen_at=later(9), fetched_at=later(9))
    elsewhere = replace(found[0], page_url="https://example.com/again", seen_at=later(-5), fetched_at=None)
    second, first = Ledger(store.root), Ledger(store.root)
    record(catalog, second, elsewhere, an_item("https://example.com/link", fetched=False))
    for item in found:
        record(catalog, first, item)
    record(catalog, first, again)
    record(catalog, first, replace(again, seen_at=later(10), fetched_at=None))
    first.close()
    second.close()
    return found


def empty(catalog: Catalog) -> None:
    for table in reversed(schema.metadata.sorted_tables):
        catalog.transaction(lambda connection, table=table: connection.execute(delete(table)))


def replay(catalog: Catalog, store: LocalStore, *, write: bool = True) -> list[Replayed]:
    return list(Replay(catalog=catalog, store=store).batches(write=write))


def test_an_emptied_catalog_is_made_again_as_it_was(catalog: Catalog, store: LocalStore, seen: list[ImageItem]):
    before = {table.name: rows(catalog, table) for table in TABLES}
    assert replay(catalog, store, write=False)[0].missing == 0
    empty(catalog)
    (looked,) = replay(catalog, store, write=False)
    assert (looked.missing, looked.written) == (10, 0)
    (replayed,) = replay(catalog, store)
    assert (replayed.written, replayed.torn, replayed.damaged) == (10, (), ())
    assert replayed.bytes == Replay(catalog=catalog, store=store).size()
    assert {row["scores_version"] for row in rows(catalog)} == {None}
    rescan(catalog, store)
    after = {table.name: rows(catalog, table) for table in TABLES}
    assert after["sightings"] == before["sightings"]
    assert after["topics"] == before["topics"]
    linked = {"duplicate_of", "duplicate_kind", "duplicate_distance"}  # the first of a group is now that by SHA-256
    assert [_without(row, linked) for row in after["images"]] == [_without(row, linked) for row in before["images"]]
    assert sum(row["duplicate_of"] is not None for row in after["images"]) == 2
    assert replay(catalog, store, write=False)[0].missing == 0


def _without(row: dict[str, object], columns: set[str]) -> dict[str, object]:
    return {name: value for name, value in row.items() if name not in columns}


def test_interrupted_it_goes_on_and_repeated_it_changes_nothing(
    catalog: Catalog, store: LocalStore, seen: list[ImageItem], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("image_spider.replay.BATCH_LINES", 2)
    before = rows(catalog, schema.sightings)
    empty(catalog)
    begun = list(islice(Replay(catalog=catalog, store=store).batches(write=True), 3))
    assert sum(batch.written for batch in begun) == 6
    assert sum(batch.written for batch in replay(catalog, store)) == 4
    assert rows(catalog, schema.sightings) == before
    images = rows(catalog)
    assert sum(batch.written for batch in replay(catalog, store)) == 0
    assert rows(catalog) == images


def test_a_restored_backup_gets_what_was_recorded_since(catalog: Catalog, store: LocalStore, seen: list[ImageItem]):
    before = rows(catalog, schema.sightings)
    newer = schema.sightings.c.seen_at > later(3)
    catalog.transaction(lambda connection: connection.execute(delete(schema.sightings).where(newer)))
    assert sum(batch.written for batch in replay(catalog, store)) == 2
    assert rows(catalog, schema.sightings) == before


def test_images_without_their_files_are_named_and_left_out(catalog: Catalog, store: LocalStore, seen: list[ImageItem]):
    images = [item.image for item in seen if item.image]
    missing, short, changed, *_ = images
    empty(catalog)
    store.remove(missing.path)
    (store.root / short.path).write_bytes(b"short")
    data = (store.root / changed.path).read_bytes()
    (store.root / changed.path).write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    (looked,) = replay(catalog, store, write=False)
    assert looked.damaged == (
        f"{store.root / missing.path}: missing",
        f"{store.root / short.path}: of another size",
    )
    (replayed,) = replay(catalog, store)
    assert {line.partition(": ")[0] for line in replayed.damaged} == {
        str(store.root / image.path) for image in (missing, short, changed)
    }
    assert {row["sha256"] for row in rows(catalog)} == {image.sha256 for image in images[3:]}


def test_a_torn_line_is_named_and_the_rest_is_taken(catalog: Catalog, store: LocalStore, seen: list[ImageItem]):
    _, second = ledgers(store.root)
    path = Path(second.place)
    path.write_bytes(path.read_bytes()[:-10])
    empty(catalog)
    (replayed,) = replay(catalog, store)
    assert len(replayed.torn) == 1
    assert replayed.torn[0].startswith(f"{path}:")
    assert replayed.written == 9


def test_a_crawl_gets_its_row_again_and_one_that_has_it_keeps_it(
    catalog: Catalog, store: LocalStore, seen: list[ImageItem]
):
    kept = Crawl.from_arguments(url="https://example.com/", crawl_id="kept")
    empty(catalog)
    catalog.transaction(lambda connection: start_crawl(connection, kept, now=NOON))
    replay(catalog, store)
    of_c, of_kept = rows(catalog, schema.crawls)
    assert of_kept["state"] == "running"
    assert (of_c["id"], of_c["state"], of_c["images"], of_c["sightings"]) == ("c", "stopped", 6, 8)
    assert (of_c["started_at"], of_c["finished_at"]) == (later(-5), later(10))


def test_without_a_ledger_there_is_nothing_to_do(catalog: Catalog, store: LocalStore):
    assert replay(catalog, store) == []
    assert Replay(catalog=catalog, store=store).size() == 0
