"""Candidates that are left undone: their pages are read again, by the next run or later by this one."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NoReturn

from scrapy import signals
from scrapy.http import Response

from image_spider.delayed import delayed
from image_spider.extensions.job_directory import JobDirectory
from image_spider.recent import Recent
from image_spider.spiders.images import images_spider
from image_spider.unfinished import Unfinished

if TYPE_CHECKING:
    from scrapy.crawler import Crawler

    from image_spider.items import ImageItem
    from image_spider.politeness.host_down import HostClosed

PAGES = 10_000  # that are to be read again and are remembered: more of their images may be left undone


class LeftUndone:
    """Drops candidates with Unfinished, for which a worker of a fleet gives the leases of their pages back."""

    def __init__(self, crawler: Crawler) -> None:
        self._crawler = crawler
        self._spider = images_spider(crawler)
        self._job = crawler.get_extension(JobDirectory)
        self._again: Recent[str, float] = Recent(limit=PAGES)  # URL -> time.monotonic() when it is read again
        if not self._spider.in_fleet:
            crawler.signals.connect(self.item_dropped, signals.item_dropped)

    def leave(self, item: ImageItem) -> NoReturn:
        """Drop a candidate that the end of the crawl overtook; a resumed crawl reads its page again."""
        if self._job:
            self._job.leave_unfinished(item.page_url)
        raise Unfinished(self._spider.crawls[item.crawl_id].halted or "the crawl is ending")

    def postpone(self, closed: HostClosed) -> NoReturn:
        """Drop a candidate whose host is closed for long; its page is read again when that is open."""
        self._crawler.stats.inc_value("images/postponed")
        raise Unfinished(str(closed), seconds=closed.seconds)

    def item_dropped(self, response: object, exception: BaseException) -> None:
        """Let a local run read a page again whose images were postponed; its other images and links are known then."""
        if not isinstance(exception, Unfinished) or not exception.seconds:
            return
        if isinstance(response, Response) and response.request:
            now, page = time.monotonic(), response.request.replace(dont_filter=True)
            if self._again.get(page.url, 0.0) <= now:
                self._again[page.url] = now + exception.seconds
                self._crawler.engine.crawl(delayed(page, exception.seconds))
