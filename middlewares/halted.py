"""Pages that are not fetched because their crawl is paused or stopped, or because the run ends."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from scrapy.http.request import NO_CALLBACK

from image_spider.spiders.images import images_spider
from image_spider.unfinished import Halted, request_halted

if TYPE_CHECKING:
    from scrapy import Request
    from scrapy.crawler import Crawler


class HaltedMiddleware:
    """Puts back each page that failed with Halted, whoever raised it: Scrapy counts it as done.

    In a fleet its lease is given back; a local run queues it again, for a run that is resumed. What was not sent by the
    engine (images, robots.txt) is the business of its sender.
    """

    def __init__(self, crawler: Crawler) -> None:
        self._crawler = crawler
        self._in_fleet = images_spider(crawler).in_fleet

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Serve our spider; NotConfigured for others."""
        return cls(crawler)

    def process_exception(self, request: Request, exception: Exception) -> Request | None:
        """Return the page for the queue of a local run, or tell of it in a fleet."""
        if not isinstance(exception, Halted) or request.callback is NO_CALLBACK:
            return None
        if not self._in_fleet:
            return request.replace(dont_filter=True)
        self._crawler.signals.send_catch_log(request_halted, request=request, reason=str(exception))
        return None
