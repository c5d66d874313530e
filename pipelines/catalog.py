"""Items into the catalog, in batches; an item goes on when its batch is committed."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast

from scrapy import signals
from scrapy.exceptions import DropItem

from image_spider import config
from image_spider.batches import Batches
from image_spider.catalog import crawls, queries
from image_spider.catalog.catalog import Catalog
from image_spider.catalog.copies import queue_copies
from image_spider.catalog.writes import Written, write_items
from image_spider.crawl import Crawl
from image_spider.exceptions import CatalogError, StoreError
from image_spider.extensions.job_directory import JobDirectory
from image_spider.items import DuplicatePolicy, Image, ImageItem, PageItem, Topic
from image_spider.mirrors.opening import make_mirrors
from image_spider.spiders.images import images_spider
from image_spider.stores.opening import images_store
from image_spider.stores.paths import thumbnail_path
from image_spider.unfinished import Unfinished

if TYPE_CHECKING:
    from scrapy.crawler import Crawler
    from sqlalchemy import Connection

    from image_spider.frontier.scheduler import Scheduler
    from image_spider.stores.ledger import Ledger
    from image_spider.stores.store import Store

T = TypeVar("T")
logger = logging.getLogger(__name__)

BATCH_RECORDS = 200
BATCH_SECONDS = 0.2
LOOK_UP_SECONDS = 0.01  # the URLs of a page come at once
LOOK_SECONDS = 0.5  # between two looks whether a crawl that waits for the catalog is to end
END_SECONDS = 5.0  # for which a crawl that ends waits for a catalog that is away; what is in hand is done again then
COMPLETED = ("finished", "max_images", "max_bytes")  # reasons; any other end without an error is a stop


class CatalogPipeline:
    """Record every item and the crawl itself.

    While the catalog is away nothing new is fetched; what is in hand waits, as many items as Scrapy has under way.
    """

    def __init__(
        self,
        *,
        crawler: Crawler,
        catalog: Catalog,
        store: Store,
        expires_days: int = 90,
        duplicates: DuplicatePolicy = "link",
        mirrors: Sequence[str] = (),
    ) -> None:
        self.crawler = crawler
        self._spider = images_spider(crawler)
        self._catalog = catalog
        self._store = store
        self._ledger: Ledger | None = None
        self._expires = timedelta(days=expires_days)
        self._duplicates = duplicates
        self._mirrors = mirrors  # names of the stores that are to have a copy of each image
        self._batches: Batches[ImageItem | PageItem, None] = Batches(
            self._write, max_records=BATCH_RECORDS, max_seconds=BATCH_SECONDS, thread_name="catalog"
        )
        self._look_ups: Batches[str, Image | None] = Batches(
            self._look_up, max_records=BATCH_RECORDS, max_seconds=LOOK_UP_SECONDS, thread_name="look-ups"
        )
        self._ending: asyncio.Task[None] | None = None  # while the catalog is away
        self._opened = asyncio.Event()  # or failed to; Scrapy opens all pipelines at once

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Read the settings of catalog and store, IMAGES_EXPIRES and DUPLICATES; off for other spiders than ours."""
        settings = config.from_settings(crawler.settings)
        catalog = Catalog.from_config(settings)
        spider, store = images_spider(crawler), images_store(settings)
        store.give_up_when(lambda: spider.stopping)  # it deletes files with DUPLICATES=drop
        pipeline = cls(
            crawler=crawler,
            catalog=catalog,
            store=store,
            expires_days=settings.IMAGES_EXPIRES,
            duplicates=settings.DUPLICATES,
            mirrors=[mirror.name for mirror in make_mirrors(settings)],
        )
        crawler.signals.connect(pipeline.spider_closed, signals.spider_closed)
        return pipeline

    async def open_spider(self) -> None:
        """Open the catalog and record that the crawl runs; the crawl ends at once when that fails."""
        loop = self._loop = asyncio.get_running_loop()
        self._catalog.on_outage(lambda reason: loop.call_soon_threadsafe(self._away, reason))
        self._resumes = bool((job := self.crawler.get_extension(JobDirectory)) and job.resumes)
        try:
            await asyncio.to_thread(self._catalog.open)
            if self._spider.in_fleet:
                cast("Scheduler", self.crawler.engine.scheduler).keep_books(self)
            elif self._spider.crawl:
                await self.record_start(self._spider.crawl)
        except CatalogError as error:
            self._spider.abort(error)
        finally:
            self._opened.set()

    async def process_item(self, item: Any) -> Any:
        """Record the item, then let it go on; pages and failures end here, once they are recorded."""
        if not isinstance(item, ImageItem | PageItem):
            return item
        try:
            await self._batches.add(item)
        except (CatalogError, StoreError) as error:
            self._spider.abort(error)
            raise Unfinished(str(error)) from error
        if item.failure:
            kind = "images" if isinstance(item, ImageItem) else "pages"
            self.crawler.stats.inc_value(f"{kind}/failed/{item.failure.cause}")
            raise DropItem(f"{item.failure.cause} {item.failure.detail}", log_level="DEBUG")
        if isinstance(item, PageItem):
            raise DropItem("the page is read", log_level="DEBUG")
        return item

    async def image_at_url(self, url: str) -> Image | None:
        """Return the image that was last downloaded from this URL, unless that is longer ago than IMAGES_EXPIRES."""
        return await self._look_ups.add(url)

    async def model_topics(self, sha256: str, *, label_model: str) -> tuple[Topic, ...] | None:
        """Return what this label model told of an image that the catalog knows; None when it has not seen it."""
        query = partial(queries.model_topics, sha256=sha256, label_model=label_model)
        topics = await asyncio.to_thread(self._catalog.read, query, may_lag=True)
        return None if topics is None else tuple(topics)

    async def images_before(self) -> Sequence[str]:
        """Return the SHA-256 of the images that earlier runs of a resumed crawl stored."""
        await self._opened.wait()
        if not self._resumes or self._spider.error or not self._spider.crawl:
            return ()
        query = partial(queries.images_of_crawl, crawl_id=self._spider.crawl.id)
        return await asyncio.to_thread(self._catalog.read, query)

    async def record_start(self, crawl: Crawl) -> None:
        """Record that a crawl runs; raises CatalogError."""
        start = partial(crawls.start_crawl, crawl=crawl, now=datetime.now(UTC))
        await asyncio.to_thread(self._catalog.transaction, start)

    async def record_end(self, crawl_id: str, outcome: crawls.Outcome) -> None:
        """Record how a crawl ended; raises CatalogError."""
        finish = partial(crawls.finish_crawl, crawl_id=crawl_id, outcome=outcome)
        await asyncio.to_thread(self._catalog.transaction, finish)

    async def spider_closed(self, reason: str) -> None:
        """Record how the crawl ended; the other pipelines have ended by now."""
        self._batches.close()
        self._look_ups.close()
        state = "failed" if self._spider.error else "completed" if reason in COMPLETED else "stopped"
        outcome = crawls.Outcome(
            state=state,
            reason=str(self._spider.error or reason),
            pages=self.crawler.stats.get_value("pages/fetched", 0),
            resumed=self._resumes,
            at=datetime.now(UTC),
        )
        try:
            recordable = not isinstance(
                self._spider.error, CatalogError
            )  # its reason would be lost behind a second one
            if recordable and self._spider.crawl and not self._spider.in_fleet:
                await self.record_end(self._spider.crawl.id, outcome)
        except CatalogError as error:
            self._spider.abort(error)
        finally:
            self._forget_ending()
            self._catalog.close()
            await asyncio.to_thread(self._close_store)

    def _write(self, items: Sequence[ImageItem | PageItem]) -> list[None]:
        """Write a batch, then tell its items what they turned out to be; in the catalog's thread."""
        written = self._catalog.transaction(partial(self._record, items=items))
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
        return [None] * len(items)

    def _record(self, connection: Connection, items: Sequence[ImageItem | PageItem]) -> Written:
        """Write a batch to the catalog, and what is kept to the ledger, before the COMMIT.

        A line of what was never committed is harmless, as its page is read again; a row without its line would be lost
        with the catalog. When the ledger cannot be written, the batch is rolled back. What mirrors lack now is
        queued in the same transaction: a copy is forgotten when its image is, and not before.
        """
        found = [item for item in items if isinstance(item, ImageItem)]
        pictures = {item.image.sha256 for item in found if item.image} if self._mirrors else set()
        new = pictures - {*queries.known_images(connection, pictures)} if pictures else pictures
        written = write_items(connection, items, duplicates=self._duplicates)
        queue_copies(connection, new - written.refused.keys(), mirrors=self._mirrors, now=datetime.now(UTC))
        self._ledger = self._ledger or self._store.begin_ledger()
        self._ledger.append(item for item in found if not (item.image and item.image.sha256 in written.refused))
        return written

    def _close_store(self) -> None:
        """Complete the ledger; an object store gets it now."""
        if self._ledger:
            self._ledger.close()
        self._store.close()

    def _look_up(self, urls: Sequence[str]) -> list[Image | None]:
        """Look a batch of URLs up; in a thread. What a standby does not know yet is downloaded again."""
        query = partial(queries.images_at_urls, urls=urls, since=datetime.now(UTC) - self._expires)
        found = self._catalog.read(query, may_lag=True)
        return [found.get(url) for url in urls]

    def _remove(self, refused: dict[str, str]) -> None:
        """Delete the files of images that were refused, after the commit: a row never stands without its file.

        A kill in between leaves files that no row names. Workers that share a store must share one DUPLICATES: a
        worker that keeps duplicates may count on a file that another one is about to delete.
        """
        if not refused:
            return
        known = set(self._catalog.read(lambda connection: queries.known_images(connection, refused)))
        for sha256, path in refused.items():
            if sha256 not in known:
                self._store.remove(thumbnail_path(path))
                self._store.remove(path)

    def _away(self, reason: str) -> None:
        """Pause fetching while the catalog is away. Leases are kept by the heartbeat, which does not need it."""
        self._spider.trouble = f"paused: {reason}" if reason else ""
        if reason:
            logger.warning("Fetching pauses until the catalog is back: %s", reason)
            self.crawler.engine.pause()
            self._ending = asyncio.create_task(self._end_in_time())
        else:
            logger.info("The catalog is back: the crawl goes on")
            self.crawler.engine.unpause()
            self._forget_ending()

    def _forget_ending(self) -> None:
        if self._ending:
            self._ending.cancel()
            self._ending = None

    async def _end_in_time(self) -> None:
        """Let a crawl end, though the catalog is away for longer than anybody waits for that."""
        while not self._spider.stopping:  # noqa: ASYNC110 - Ctrl-C shows in the engine alone
            await asyncio.sleep(LOOK_SECONDS)
        self._catalog.give_up(seconds=END_SECONDS)
