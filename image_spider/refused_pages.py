"""Pages that were refused where no callback runs: the first of each kind becomes a row of table failures."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from scrapy.utils.datatypes import LocalCache

from image_spider.items import Failure, PageItem

if TYPE_CHECKING:
    from scrapy.crawler import Crawler

REMEMBERED = 10_000  # kinds: a crawl, a host and a limit


class RefusedPages:
    """Sends such pages through the item pipelines: one of each crawl and detail, for a trap has millions of them."""

    def __init__(self, crawler: Crawler) -> None:
        self._crawler = crawler
        self._recorded: LocalCache[tuple[str, str], None] = LocalCache(limit=REMEMBERED)
        self._under_way: set[asyncio.Task[None]] = set()

    def add(self, url: str, crawl_id: str, failure: Failure) -> None:
        """Count a refused page, and record the first one of its kind."""
        self._crawler.stats.inc_value(f"pages/refused/{failure.cause}")
        if (crawl_id, failure.detail) in self._recorded:
            return
        self._recorded[crawl_id, failure.detail] = None
        item = PageItem(url, crawl_id, datetime.now(UTC), failure)
        task = asyncio.ensure_future(self._crawler.engine.scraper.start_itemproc_async(item, response=None))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
