"""What a worker must know of Scrapy's engine, or do with it, that no public call offers: all of it is here.

Tests of whole crawls hold these names where they are.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from twisted.python.failure import Failure

from image_spider.downloads import DownloadHandler
from image_spider.spiders.images import images_spider
from image_spider.unfinished import Halted

if TYPE_CHECKING:
    from scrapy import Request
    from scrapy.crawler import Crawler


class Engine:
    """The engine of one crawler, from the inside."""

    def __init__(self, crawler: Crawler) -> None:
        self._crawler = crawler

    def in_progress(self) -> set[Request]:
        """Return the requests whose callbacks go on, or whose items are not recorded yet."""
        slot = self._crawler.engine._slot  # noqa: SLF001
        return slot.inprogress if slot else set()

    def free_places(self) -> int:
        """Return how many requests the downloader can start now."""
        downloader = self._crawler.engine.downloader
        return downloader.total_concurrency - len(downloader.active)

    def wake(self) -> None:
        """Let the engine ask for the next request."""
        if slot := self._crawler.engine._slot:  # noqa: SLF001
            slot.nextcall.schedule()

    def take_back(self, crawl_id: str | None) -> list[Request]:
        """Take back what waits for its host's turn, of a crawl or of all; it fails with Halted.

        Those that are being transferred go on: the server has them already. What waits in the downloader's own queues
        is there because a setting of Scrapy's, such as DOWNLOAD_SLOTS, holds it back.
        """

        def wanted(request: Request) -> bool:
            return crawl_id is None or request.meta.get("crawl_id") == crawl_id

        politeness = images_spider(self._crawler).politeness
        taken = politeness.turns.take_back(crawl_id) if politeness else []
        for slot in self._crawler.engine.downloader.slots.values():
            waiting = list(slot.queue)
            slot.queue = deque(pair for pair in waiting if not wanted(pair[0]))
            for request, deferred in waiting:
                if wanted(request):
                    taken.append(request)
                    halted = Halted("its crawl is paused or stopped, or the worker ends")
                    deferred.errback(Failure(halted))  # type: ignore[no-untyped-call]
        return taken

    def cut_short(self) -> None:
        """End what is being transferred; it fails with Halted."""
        for scheme in ("http", "https"):
            handler = self._crawler.engine.downloader.handlers._get_handler(scheme)  # noqa: SLF001
            if isinstance(handler, DownloadHandler):
                handler.cut_short()
