"""One suite, two databases."""

from __future__ import annotations

import sqlite3
import threading
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from image_spider.catalog import crawls, queries, schema
from image_spider.catalog.catalog import Catalog
from image_spider.catalog.writes import write_items
from image_spider.crawl import Crawl
from image_spider.exceptions import CatalogError, SchemaOutdated
from image_spider.imaging.analysis import SCORES_VERSION
from image_spider.items import Failure, ImageItem, PageItem, Topic, Understanding
from tests.samples import NOON, PAGE, URL, a_page, a_page_failure, an_image, an_item

LATER = NOON + timedelta(hours=1)


def write(catalog: Catalog, *items: ImageItem | PageItem) -> None:
    catalog.transaction(lambda connection: write_items(connection, items))


def finish(catalog: Catalog, state: str, *, pages: int = 0, resumed: bool = False) -> None:
    outcome = crawls.Outcome(state=state, reason="why", pages=pages, resumed=resumed, at=LATER)
    catalog.transaction(lambda connection: crawls.finish_crawl(connection, "c", outcome))


def rows(catalog: Catalog, table: Any) -> list[dict[str, Any]]:
    with catalog.reading() as connection:
        return [dict(row._mapping) for row in connection.execute(select(table).order_by(table.primary_key.columns[0]))]


def test_an_item_becomes_an_image_and_a_sighting(catalog: Catalog):
    write(catalog, an_item(image=an_image(), alt="A cat", width=320, alternatives=("https://example.com/b.jpg",)))
    (image,) = rows(catalog, schema.images)
    assert (image["sha256"], image["width"], image["first_seen"]) == ("a" * 64, 640, NOON)
    (sighting,) = rows(catalog, schema.sightings)
    assert (sighting["image_sha256"], sighting["image_url"], sighting["page_url"]) == ("a" * 64, URL, PAGE)
    assert (sighting["alt"], sighting["declared_width"]) == ("A cat", 320)
    assert sighting["alternatives"] == ["https://example.com/b.jpg"]


def test_writing_an_item_again_changes_last_seen_alone(catalog: Catalog):
    write(catalog, an_item(image=an_image()))
    before = [*rows(catalog, schema.images), *rows(catalog, schema.sightings)]
    write(catalog, an_item(image=an_image(), seen_at=LATER))
    after = [*rows(catalog, schema.images), *rows(catalog, schema.sightings)]
    for row in [*before, *after]:
        row.pop("fetched_at", None)
    assert [row.pop("last_seen") for row in after] == [LATER, LATER]
    assert [row.pop("last_seen") for row in before] == [NOON, NOON]
    assert after == before


def test_the_same_image_twice_in_one_batch_is_one_row(catalog: Catalog):
    write(catalog, an_item(image=an_image()), an_item(image=an_image()), an_item(f"{URL}?2", image=an_image()))
    assert len(rows(catalog, schema.images)) == 1
    assert len(rows(catalog, schema.sightings)) == 2


def test_other_bytes_under_the_same_url_are_another_sighting(catalog: Catalog):
    write(catalog, an_item(image=an_image("a")))
    write(catalog, an_item(image=an_image("b")))
    assert sorted(row["image_sha256"][0] for row in rows(catalog, schema.sightings)) == ["a", "b"]


def test_an_item_that_was_not_downloaded_is_a_sighting_without_an_image(catalog: Catalog):
    write(catalog, an_item())
    assert rows(catalog, schema.sightings)[0]["image_sha256"] is None


def topics_of(catalog: Catalog) -> set[tuple[str, str, str, float]]:
    return {(row["image_sha256"][0], row["topic"], row["source"], row["score"]) for row in rows(catalog, schema.topics)}


def labelled(label_model: str | None, *topics: Topic) -> Understanding:
    return Understanding(
        pixel_hash="0" * 64,
        phash_256=None,
        phash_64=None,
        dhash_64=None,
        scores={},
        flags=(),
        quality=1.0,
        content="photo",
        rules_version=1,
        scores_version=SCORES_VERSION,
        label_model=label_model,
        topics=topics,
    )


def test_topics_of_words_are_written_though_nothing_was_understood(catalog: Catalog):
    item = an_item(image=an_image(), topics=(Topic("animals", 0.6, "words"), Topic("home", 0.3, "words")))
    write(catalog, item)
    write(catalog, item)
    assert topics_of(catalog) == {("a", "animals", "words", 0.6), ("a", "home", "words", 0.3)}


def test_an_item_without_an_image_has_no_topics(catalog: Catalog):
    write(catalog, an_item(topics=(Topic("animals", 0.6, "words"),)))
    assert topics_of(catalog) == set()


@pytest.mark.parametrize("scores", [(0.4, 0.9), (0.9, 0.4)])
@pytest.mark.parametrize("together", [True, False])
def test_of_several_sightings_the_greatest_score_stays(catalog: Catalog, scores: Any, together: bool):
    items = [
        an_item(f"{URL}?{place}", image=an_image(), topics=(Topic("animals", score, "words"),))
        for place, score in enumerate(scores)
    ]
    for batch in [items] if together else [[item] for item in items]:
        write(catalog, *batch)
    assert topics_of(catalog) == {("a", "animals", "words", 0.9)}


def test_what_another_model_told_goes_and_what_words_told_stays(catalog: Catalog):
    words = (Topic("animals", 0.6, "words"),)
    first = labelled("old@1", Topic("animals", 0.9, "model"), Topic("home", 0.5, "model"))
    second = labelled("new@2", Topic("animals", 0.4, "model"))
    write(catalog, an_item(image=an_image(understanding=first), topics=words))
    assert rows(catalog, schema.images)[0]["label_model"] == "old@1"
    write(catalog, an_item(image=an_image(understanding=second)))
    assert rows(catalog, schema.images)[0]["label_model"] == "new@2"
    assert topics_of(catalog) == {("a", "animals", "words", 0.6), ("a", "animals", "model", 0.4)}


def test_an_understanding_without_a_model_leaves_the_topics_of_models(catalog: Catalog):
    write(catalog, an_item(image=an_image(understanding=labelled("m@1", Topic("food", 0.9, "model")))))
    write(catalog, an_item(image=an_image(understanding=labelled(None))))
    assert topics_of(catalog) == {("a", "food", "model", 0.9)}


def test_failures_of_candidates_and_pages_keep_their_cause(catalog: Catalog):
    write(catalog, an_item(failure=Failure("bomb", "132 MP")), a_page_failure())
    found = {(row["image_url"], row["page_url"], row["cause"], row["detail"]) for row in rows(catalog, schema.failures)}
    assert found == {(URL, PAGE, "bomb", "132 MP"), (None, PAGE, "status", "HTTP 500")}


def test_a_candidate_that_succeeds_takes_its_failure_away(catalog: Catalog):
    write(catalog, an_item(failure=Failure("timeout")), an_item(f"{URL}?other", failure=Failure("timeout")))
    write(catalog, an_item(image=an_image()))
    assert [row["image_url"] for row in rows(catalog, schema.failures)] == [f"{URL}?other"]


def test_a_page_that_is_read_takes_its_failure_away(catalog: Catalog):
    write(catalog, a_page_failure(), a_page_failure(f"{PAGE}other"))
    write(catalog, a_page())
    assert [row["page_url"] for row in rows(catalog, schema.failures)] == [f"{PAGE}other"]


def test_the_pages_of_a_resumed_run_are_added(catalog: Catalog):
    crawl = Crawl.from_arguments(url=PAGE, crawl_id="c")
    catalog.transaction(lambda c: crawls.start_crawl(c, crawl, now=NOON))
    finish(catalog, "stopped", pages=3)
    finish(catalog, "completed", pages=4, resumed=True)
    assert rows(catalog, schema.crawls)[0]["pages"] == 7


def test_hostile_text_is_stored_without_what_no_database_takes(catalog: Catalog):
    write(catalog, an_item(image=an_image(), alt="a\x00b\ud800c 猫 ' \" \\"))
    assert rows(catalog, schema.sightings)[0]["alt"] == "abc 猫 ' \" \\"


def test_a_very_long_url_has_a_place(catalog: Catalog):
    url = f"{URL}?{'x' * 20_000}"
    write(catalog, an_item(url, image=an_image()))
    with catalog.reading() as connection:
        assert queries.images_at_urls(connection, [url], since=NOON) == {url: an_image()}


def test_an_image_is_found_by_its_url_while_it_is_fresh(catalog: Catalog):
    write(catalog, an_item(image=an_image()))
    write(catalog, an_item(image=an_image(), seen_at=LATER, fetched=False))  # seen again is not downloaded again
    with catalog.reading() as connection:
        assert queries.images_at_urls(connection, [PAGE, URL], since=NOON) == {URL: an_image()}
        assert queries.images_at_urls(connection, [URL], since=LATER) == {}


def test_the_newest_image_of_a_url_is_found(catalog: Catalog):
    write(catalog, an_item(image=an_image("b"), seen_at=LATER))
    write(catalog, an_item(image=an_image("a")))
    with catalog.reading() as connection:
        assert queries.images_at_urls(connection, [URL], since=NOON) == {URL: an_image("b")}


def test_the_counters_of_a_crawl_are_those_of_its_rows(catalog: Catalog):
    crawl = Crawl.from_arguments(url=PAGE, crawl_id="c", max_images="9")
    catalog.transaction(lambda c: crawls.start_crawl(c, crawl, now=NOON))
    write(catalog, an_item(image=an_image("a")), an_item(f"{URL}?2", image=an_image("a")), a_page_failure())
    write(catalog, an_item(image=an_image("b"), page=f"{PAGE}2"), an_item(image=an_image("d"), crawl="another"))
    finish(catalog, "completed", pages=2)
    (row,) = rows(catalog, schema.crawls)
    assert (row["images"], row["sightings"], row["failures"], row["bytes"], row["pages"]) == (2, 3, 1, 2000, 2)
    assert (row["state"], row["reason"], row["started_at"], row["finished_at"]) == (
        "completed",
        "why",
        NOON,
        LATER,
    )
    assert (row["start_urls"], row["max_images"]) == ([PAGE], 9)


@pytest.mark.parametrize(("ended", "started_at"), [("completed", LATER), ("stopped", NOON), ("failed", NOON)])
def test_a_crawl_that_had_not_completed_keeps_its_start(catalog: Catalog, ended: str, started_at: Any):
    crawl = Crawl.from_arguments(url=PAGE, crawl_id="c")
    catalog.transaction(lambda c: crawls.start_crawl(c, crawl, now=NOON))
    finish(catalog, ended)
    catalog.transaction(lambda c: crawls.start_crawl(c, crawl, now=LATER))
    (row,) = rows(catalog, schema.crawls)
    assert (row["state"], row["started_at"], row["finished_at"]) == ("running", started_at, None)


def test_a_catalog_that_is_not_there_is_not_made_by_a_reader(tmp_path: Path):
    with Catalog(f"sqlite:///{tmp_path}/none.sqlite3") as catalog, pytest.raises(CatalogError, match="run a crawl"):
        catalog.open(create=False)
    assert list(tmp_path.iterdir()) == []


def test_a_postgresql_catalog_without_tables_says_how_to_make_them(postgres_url: str):
    with Catalog(postgres_url) as catalog:
        with pytest.raises(SchemaOutdated, match="run `scrapy catalog upgrade`"):
            catalog.open()
        catalog.upgrade()
        catalog.open()


def test_the_primary_is_found_among_several_hosts(postgres_url: str):
    with Catalog(postgres_url.replace("@", "@127.0.0.1:1,")) as catalog:
        catalog.upgrade()
        assert rows(catalog, schema.images) == []


def test_an_unreachable_catalog_is_named_without_its_password():
    with Catalog("postgresql://me:secret@127.0.0.1:1/db", retry_seconds=0.5) as catalog:
        with pytest.raises(CatalogError, match=r"postgresql://me:\*\*\*@127\.0\.0\.1:1/db failed: .*refused") as failed:
            catalog.open()
        assert "secret" not in str(failed.value)


def test_a_file_that_is_no_database_is_refused(tmp_path: Path):
    (tmp_path / "catalog.sqlite3").write_bytes(b"not a database" * 100)
    with (
        Catalog(f"sqlite:///{tmp_path}/catalog.sqlite3") as catalog,
        pytest.raises(CatalogError, match="not a database"),
    ):
        catalog.open()


def test_a_locked_catalog_is_waited_for_and_then_given_up(tmp_path: Path):
    file = tmp_path / "catalog.sqlite3"
    with Catalog(f"sqlite:///{file}", retry_seconds=0) as catalog:
        catalog.open()
        other = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
        other.execute("BEGIN IMMEDIATE")
        release = threading.Timer(0.5, other.execute, ("ROLLBACK",))
        release.start()
        write(catalog, an_item(image=an_image()))  # waits inside SQLite's own busy time-out
        release.join()
        other.execute("PRAGMA busy_timeout=0")
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(CatalogError, match="database is locked"):
            write(catalog, an_item(image=an_image("b")))
        other.close()
    with Catalog(f"sqlite:///{file}") as catalog:
        assert len(rows(catalog, schema.images)) == 1
