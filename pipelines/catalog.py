"""Items into the catalog, in batches; an item goes on when its batch is committed."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, cast

from scrapy import signals
from scrapy.exceptions import DropItem

from image_spider import config
from image_spider.catalog import crawls, queries
from image_spider.catalog.batches import BatchWriter
from image_spider.catalog.catalog import Catalog
from image_spider.catalog.writes import write_items
from image_spider.exceptions import CatalogError, StoreError
from image_spider.extensions.job_directory import JobDirectory
from image_spider.items import DuplicatePolicy, Image, ImageItem, PageFailure
from image_spider.stores.local import LocalStore
from image_spider.stores.paths import thumbnail_path

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Self

    from scrapy.crawler import Crawler

    from image_spider.spiders.images import ImagesSpider

STATES = {"finished": "completed", "max_images": "completed", "failed": "failed"}  # any other end is a stop


class CatalogPipeline:
    """Record every item and the crawl itself."""

    def __init__(
        self, *, crawler: Crawler, catalog: Catalog, store: LocalStore, duplicates: DuplicatePolicy = "link"
    ) -> None:
        self.crawler = crawler
        self.catalog = catalog
        self._store = store
        self._duplicates = duplicates
        self._opened = False
        self._batches: BatchWriter[ImageItem | PageFailure] = BatchWriter(self._write)

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Read DATABASE_URL, IMAGES_STORE and DUPLICATES."""
        settings = config.from_settings(crawler.settings)
        catalog = Catalog(settings.DATABASE_URL, retry_seconds=settings.CATALOG_RETRY_SECONDS)
        store = LocalStore(settings.IMAGES_STORE)
        pipeline = cls(crawler=crawler, catalog=catalog, store=store, duplicates=settings.DUPLICATES)
        crawler.signals.connect(pipeline.spider_closed, signals.spider_closed)
        return pipeline

    async def open_spider(self) -> None:
        """Open the catalog and record that the crawl runs; raises CatalogError."""
        self._spider = cast("ImagesSpider", self.crawler.spider)
        self._loop = asyncio.get_running_loop()
        await asyncio.to_thread(self._open)
        self._opened = True

    async def process_item(self, item: Any) -> Any:
        """Record the item, then let it go on; a failure ends here, once it is recorded."""
        if not isinstance(item, ImageItem | PageFailure):
            return item
        try:
            await self._batches.add(item)
        except (CatalogError, StoreError) as error:
            self._spider.abort(error)
            raise DropItem(str(error), log_level="DEBUG") from error
        if item.failure:
            kind = "images" if isinstance(item, ImageItem) else "pages"
            self.crawler.stats.inc_value(f"{kind}/failed/{item.failure.cause}")
            raise DropItem(f"{item.failure.cause} {item.failure.detail}", log_level="DEBUG")
        return item

    async def image_at_url(self, url: str, *, since: datetime) -> Image | None:
        """Return the image that was last seen under this URL, unless that was before `since`."""

        def query() -> Image | None:
            with self.catalog.reading() as connection:
                return queries.image_at_url(connection, url, since=since)

        return await asyncio.to_thread(query)

    async def images_before(self) -> Sequence[str]:
        """Return the SHA-256 of the images that earlier runs of a resumed crawl stored."""
        job = self.crawler.get_extension(JobDirectory)
        if job is None or not job.resumes:
            return ()

        def query() -> Sequence[str]:
            with self.catalog.reading() as connection:
                return queries.images_of_crawl(connection, self._spider.crawl.id)

        return await asyncio.to_thread(query)

    async def spider_closed(self, reason: str) -> None:
        """Record how the crawl ended; the other pipelines have ended by now."""
        self._batches.close()
        try:
            if self._opened:
                await asyncio.to_thread(self._finish, reason)
        except CatalogError as error:
            self._spider.abort(error)
        finally:
            self.catalog.close()

    def _open(self) -> None:
        self.catalog.open()
        self.catalog.transaction(lambda c: crawls.start_crawl(c, self._spider.crawl, now=datetime.now(UTC)))

    def _write(self, items: Sequence[ImageItem | PageFailure]) -> None:
        """Write a batch, then tell its items what they turned out to be; in the catalog's thread."""
        written = self.catalog.transaction(lambda c: write_items(c, items, duplicates=self._duplicates))
        refused: dict[str, str] = {}
        for item in items:
            if not isinstance(item, ImageItem) or item.image is None:
                continue
            item.duplicate = written.duplicates.get(item.image.sha256)
            if failure := written.refused.get(item.image.sha256):
                refused[item.image.sha256] = item.image.path
                item.failure, item.image = failure, None
        self._remove(refused)
        if written.linked:
            self._loop.call_soon_threadsafe(self.crawler.stats.inc_value, "images/near_duplicate", written.linked)

    def _remove(self, refused: dict[str, str]) -> None:
        """Delete the files of images that were refused, after the commit: a row never stands without its file.

        A kill in between leaves files that no row names. Workers that share a store must share one DUPLICATES: a
        worker that keeps duplicates may count on a file that another one is about to delete.
        """
        if not refused:
            return
        with self.catalog.reading() as connection:
            known = set(queries.known_images(connection, refused))
        for sha256, path in refused.items():
            if sha256 not in known:
                self._store.remove(thumbnail_path(path))
                self._store.remove(path)

    def _finish(self, reason: str) -> None:
        pages = self.crawler.stats.get_value("pages/fetched", 0)
        state = STATES.get(reason, "stopped")
        now = datetime.now(UTC)
        self.catalog.transaction(
            lambda connection: crawls.finish_crawl(
                connection,
                self._spider.crawl.id,
                state=state,
                reason=str(self._spider.error or reason),
                pages=pages,
                now=now,
            )
        )
