"""Copies to mirrors while a crawl runs: a thread for each mirror, so that none waits for another."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Self

from rich.filesize import decimal
from scrapy import signals
from scrapy.exceptions import NotConfigured

from image_spider import config
from image_spider.catalog.catalog import Catalog
from image_spider.catalog.copies import behind
from image_spider.exceptions import CatalogError
from image_spider.mirrors.copier import Copier
from image_spider.mirrors.copying import Copied, Copying
from image_spider.mirrors.opening import RETRY_SECONDS, make_mirrors
from image_spider.spiders.images import images_spider
from image_spider.stores.opening import store_at

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scrapy.crawler import Crawler

    from image_spider.spiders.images import ImagesSpider
    from image_spider.stores.store import Store

logger = logging.getLogger(__name__)

CATALOG_SECONDS = 5.0  # that the end waits for a catalog which is away: what is copied and not told of is copied again


class Mirrors:
    """Hands every image of the store on to its mirrors, beside the crawl: what they lack stands in the catalog."""

    def __init__(
        self,
        *,
        spider: ImagesSpider,
        catalog: Catalog,
        store: Store,
        mirrors: Sequence[Store],
        end_seconds: float,
    ) -> None:
        self._spider = spider
        self._catalog = catalog  # of its own: that of the pipeline is closed before the last copies are
        self._end_seconds = end_seconds
        self._stores = [store, *mirrors]
        make = partial(Copying, catalog=catalog, store=store)
        self._copiers = [Copier(make(mirror=mirror), tell=self._tell) for mirror in mirrors]

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Read the settings of store and catalog and SHUTDOWN_SECONDS; off without IMAGES_MIRRORS."""
        settings = config.from_settings(crawler.settings)
        if not settings.IMAGES_MIRRORS:
            raise NotConfigured
        extension = cls(
            spider=images_spider(crawler),
            catalog=Catalog.from_config(settings),
            store=store_at(settings.IMAGES_STORE, settings, retry_seconds=RETRY_SECONDS),
            mirrors=make_mirrors(settings),
            end_seconds=settings.SHUTDOWN_SECONDS,
        )
        crawler.signals.connect(extension.spider_opened, signals.spider_opened)
        crawler.signals.connect(extension.spider_closed, signals.spider_closed)
        return extension

    def spider_opened(self) -> None:
        """Begin."""
        self._loop = asyncio.get_running_loop()
        for copier in self._copiers:
            copier.start()

    async def spider_closed(self, reason: str) -> None:
        """Let a local run that ended by itself copy what is left, for a while; others leave that to who comes next."""
        drains = not self._spider.in_fleet and not self._spider.error and reason != "shutdown"
        for copier in self._copiers:
            copier.end(seconds=self._end_seconds if drains else 0.0)
        self._catalog.give_up(seconds=CATALOG_SECONDS + (self._end_seconds if drains else 0.0))
        await asyncio.to_thread(self._end)

    def _end(self) -> None:
        for copier in self._copiers:
            copier.join()
        try:
            if not self._spider.in_fleet and not self._spider.error:
                for state in self._catalog.read(behind):
                    logger.warning(
                        "The mirror %s is %s behind, in %d files: the next crawl goes on, or `scrapy mirrors --copy`",
                        state.mirror,
                        decimal(state.bytes),
                        state.files,
                    )
        except CatalogError as error:
            logger.warning("How far mirrors are behind cannot be told: %s", error)
        finally:
            self._catalog.close()
            for store in self._stores:
                store.close()

    def _tell(self, copied: Copied) -> None:
        """Count what was copied; from any thread."""
        if copied.claimed or copied.away:
            with suppress(RuntimeError):  # the loop is closed: the crawl was ended by force
                self._loop.call_soon_threadsafe(self._count, copied)

    def _count(self, copied: Copied) -> None:
        counts = {
            "copied": copied.files,
            "bytes": copied.bytes,
            "damaged": len(copied.damaged),
            "away": int(bool(copied.away)),
        }
        for name, number in counts.items():
            if number:
                self._spider.crawler.stats.inc_value(f"mirrors/{name}", number)
