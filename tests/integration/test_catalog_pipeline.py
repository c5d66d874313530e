"""What becomes of a near-duplicate between the catalog and the store."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from scrapy.exceptions import DropItem
from scrapy.utils.test import get_crawler
from sqlalchemy import delete, select

from image_spider.catalog import schema
from image_spider.catalog.catalog import Catalog
from image_spider.catalog.writes import write_items
from image_spider.items import Duplicate, Image, ImageItem
from image_spider.spiders.images import ImagesSpider
from image_spider.stores.ledger import ledgers, read_ledger
from image_spider.stores.local import LocalStore
from image_spider.stores.paths import thumbnail_path
from pipelines.catalog import CatalogPipeline
from tests.samples import PAGE, a_picture, an_item

SMALL, COPY = a_picture(1, 0), a_picture(2, 0b11)
LARGE = a_picture(3, 0b1, width=1280, height=960)


def items(*images: Image) -> list[ImageItem]:
    return [an_item(f"https://example.com/{image.sha256}.jpg", image=image) for image in images]


def crawl(folder: Path, url: str, policy: str, *found: ImageItem, mirrors: str = "") -> dict[str, object]:
    """Store the files of the items, send the items through the pipeline, and return the stats."""
    settings = {"DATABASE_URL": url, "IMAGES_STORE": str(folder / "images"), "DUPLICATES": policy}
    settings |= {"IMAGES_MIRRORS": mirrors} if mirrors else {}
    store = LocalStore(folder / "images")
    store.open()
    for item in found:
        assert item.image
        store.write(item.image.path, b"image")
        store.write(thumbnail_path(item.image.path), b"thumbnail")

    async def run() -> dict[str, object]:
        crawler = get_crawler(ImagesSpider, settings)
        crawler.spider = crawler._create_spider(url=PAGE)
        pipeline = CatalogPipeline.from_crawler(crawler)
        await pipeline.open_spider()
        await asyncio.gather(*(pipeline.process_item(item) for item in found), return_exceptions=True)
        await pipeline.spider_closed("finished")
        assert crawler.stats
        return crawler.stats.get_stats()

    return asyncio.run(run())


def stored(folder: Path) -> set[str]:
    return {path.stem for path in (folder / "images").rglob("*.jpg") if ".thumb" not in path.name}


def thumbnails(folder: Path) -> set[str]:
    return {path.name.partition(".")[0] for path in (folder / "images").rglob("*.thumb.jpg")}


def test_a_crawl_that_ends_does_not_wait_for_a_store_that_is_to_delete_a_file(monkeypatch: pytest.MonkeyPatch):
    asked: list[Callable[[], bool]] = []
    monkeypatch.setattr(LocalStore, "give_up_when", lambda store, ending: asked.append(ending))
    crawler = get_crawler(ImagesSpider, {"DUPLICATES": "drop"})
    crawler.spider = crawler._create_spider(url=PAGE)
    CatalogPipeline.from_crawler(crawler)
    (ending,) = asked
    for stopping in (False, True):
        monkeypatch.setattr(ImagesSpider, "stopping", stopping)
        assert ending() is stopping


def test_a_link_reaches_the_item(tmp_path: Path, catalog_url: str, catalog: Catalog):
    found = items(SMALL, COPY)
    stats = crawl(tmp_path, catalog_url, "link", *found)
    assert [item.duplicate for item in found] == [None, Duplicate(SMALL.sha256, "same", 2, larger=False)]
    assert stats["images/near_duplicate"] == 1
    assert stored(tmp_path) == {SMALL.sha256, COPY.sha256}
    again = items(COPY)
    assert "images/near_duplicate" not in crawl(tmp_path, catalog_url, "link", *again)
    assert again[0].duplicate == found[1].duplicate


def test_a_dropped_image_leaves_a_failure_and_no_file(tmp_path: Path, catalog_url: str, catalog: Catalog):
    found = items(SMALL, COPY, LARGE)
    stats = crawl(tmp_path, catalog_url, "drop", *found)
    assert stats["images/failed/duplicate"] == 1
    assert stats["images/near_duplicate"] == 1
    assert stored(tmp_path) == thumbnails(tmp_path) == {SMALL.sha256, LARGE.sha256}
    assert [item.failure and item.failure.cause for item in found] == [None, "duplicate", None]


def test_the_file_of_an_image_that_has_a_row_is_not_deleted(tmp_path: Path, catalog_url: str, catalog: Catalog):
    catalog.transaction(lambda connection: write_items(connection, items(SMALL, COPY), duplicates="keep"))
    crawl(tmp_path, catalog_url, "drop", *items(COPY, a_picture(4, 0b11)))
    assert stored(tmp_path) == {COPY.sha256}


def test_what_is_dropped_does_not_go_on(tmp_path: Path, catalog_url: str, catalog: Catalog):
    async def run() -> None:
        settings = {"DATABASE_URL": catalog_url, "DUPLICATES": "drop", "IMAGES_STORE": str(tmp_path)}
        crawler = get_crawler(ImagesSpider, settings)
        crawler.spider = crawler._create_spider(url=PAGE)
        pipeline = CatalogPipeline.from_crawler(crawler)
        await pipeline.open_spider()
        (first,), (second,) = items(SMALL), items(COPY)
        assert await pipeline.process_item(first) is first
        with pytest.raises(DropItem, match=f"duplicate same: 2 of 256 bits differ from {SMALL.sha256}"):
            await pipeline.process_item(second)
        await pipeline.spider_closed("finished")

    asyncio.run(run())


def told(folder: Path) -> set[str]:
    """Return the images that the ledgers of the store tell of."""
    lines = [line for file in ledgers(folder / "images") for line in read_ledger(file)]
    return {line.item.image.sha256 for line in lines if line.item and line.item.image}


def test_the_ledger_tells_of_what_is_kept_and_not_of_what_is_dropped(
    tmp_path: Path, catalog_url: str, catalog: Catalog
):
    crawl(tmp_path, catalog_url, "drop", *items(SMALL, COPY))
    assert told(tmp_path) == {SMALL.sha256}
    crawl(tmp_path, catalog_url, "link", *items(COPY))
    assert told(tmp_path) == {SMALL.sha256, COPY.sha256}


def queued(catalog: Catalog) -> set[tuple[str, str]]:
    query = select(schema.copies.c.mirror, schema.copies.c.sha256)
    return {(mirror, sha256) for mirror, sha256 in catalog.read(lambda connection: connection.execute(query).all())}


def test_what_is_new_and_kept_is_queued_for_every_mirror_and_once(tmp_path: Path, catalog_url: str, catalog: Catalog):
    crawl(tmp_path, catalog_url, "drop", *items(SMALL, COPY), mirrors="/one /two")
    assert queued(catalog) == {("/one", SMALL.sha256), ("/two", SMALL.sha256)}
    catalog.transaction(lambda connection: connection.execute(delete(schema.copies)))
    crawl(tmp_path, catalog_url, "link", *items(SMALL, COPY), mirrors="/one /two")
    assert queued(catalog) == {("/one", COPY.sha256), ("/two", COPY.sha256)}
    crawl(tmp_path, catalog_url, "keep", *items(a_picture(4, 0b111111)))
    assert len(queued(catalog)) == 2, "without mirrors nothing is queued"


def test_what_is_rolled_back_is_not_queued(tmp_path: Path, catalog_url: str, catalog: Catalog):
    (tmp_path / "images").mkdir()
    (tmp_path / "images/.ledgers").touch()
    crawl(tmp_path, catalog_url, "link", *items(SMALL), mirrors="/one")
    assert queued(catalog) == set()


def test_a_ledger_that_cannot_be_written_ends_the_crawl_before_anything_is_committed(
    tmp_path: Path, catalog_url: str, catalog: Catalog
):
    (tmp_path / "images").mkdir()
    (tmp_path / "images/.ledgers").touch()
    crawl(tmp_path, catalog_url, "link", *items(SMALL))
    with catalog.reading() as connection:
        assert connection.execute(select(schema.images.c.sha256)).all() == []
