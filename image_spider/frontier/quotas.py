"""What a worker does about the quotas of the fleet's crawls: rows for refused pages, bytes told to Redis."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import TYPE_CHECKING

from image_spider import causes
from image_spider.broker.records import Pushed
from image_spider.items import Failure
from image_spider.page_quotas import crawl_refusal, host_refusal

if TYPE_CHECKING:
    from image_spider.broker.records import Push
    from image_spider.config import Config
    from image_spider.frontier.fleet import Fleet
    from image_spider.refused_pages import RefusedPages
    from image_spider.spiders.images import ImagesSpider

TELL_SECONDS = 1.0  # the fleet may receive so much beyond a crawl's max_bytes, and what is in flight


class Quotas:
    """Pages are counted by the push script, exactly; bytes by each worker, and added up in Redis every second.

    A worker tells all that its process has received, under a name that stays while it serves the crawl, so that a
    repeated call counts nothing twice. full is told of a crawl that has had its bytes.
    """

    def __init__(
        self,
        *,
        spider: ImagesSpider,
        fleet: Fleet,
        refused: RefusedPages,
        settings: Config,
        full: Callable[[str], None],
    ) -> None:
        self._spider = spider
        self._crawls = fleet.crawls
        self._refused = refused
        self._host_max_pages = settings.HOST_MAX_PAGES
        self._full = full

    def pushed(self, push: Push, result: Pushed) -> None:
        """Record a page that Redis refused: which limit it was, Redis does not say."""
        if result is not Pushed.REFUSED:
            return
        reasons = [host_refusal(push.host, self._host_max_pages)] if self._host_max_pages else []
        if push.crawl in self._spider.crawls:
            max_pages = self._spider.crawls[push.crawl].crawl.max_pages
            reasons += [crawl_refusal(max_pages)] if max_pages is not None else []
        url = json.loads(push.payload)["url"]
        self._refused.add(url, push.crawl, Failure(causes.QUOTA, ", or ".join(reasons)))

    async def run(self) -> None:
        """Tell Redis of bytes until cancelled."""
        while True:
            await asyncio.sleep(TELL_SECONDS)
            await self.tell()

    async def tell(self) -> None:
        """Tell what was received since the last call, for crawls that have max_bytes."""
        traffic, crawls = self._spider.traffic, self._spider.crawls
        for crawl_id in traffic.crawls():
            if crawl_id not in crawls:
                traffic.forget(crawl_id)
                continue
            limit = crawls[crawl_id].crawl.max_bytes
            if limit is None:
                continue
            received = traffic.received(crawl_id)
            total = await self._crawls.count_bytes(crawl=crawl_id, receiver=traffic.receiver(crawl_id), number=received)
            traffic.told(crawl_id, received, total=total)
            if total >= limit:
                self._full(crawl_id)
