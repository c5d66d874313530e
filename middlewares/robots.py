"""robots.txt for every request, the first ones of a host too."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from scrapy import Request, signals
from scrapy.downloadermiddlewares.robotstxt import RobotsTxtMiddleware as ScrapyRobotsTxtMiddleware
from scrapy.http.request import NO_CALLBACK
from scrapy.utils.httpobj import urlparse_cached
from scrapy.utils.misc import build_from_crawler

if TYPE_CHECKING:
    from scrapy.crawler import Crawler
    from scrapy.robotstxt import RobotParser

logger = logging.getLogger(__name__)


class RobotsTxtMiddleware(ScrapyRobotsTxtMiddleware):
    """Scrapy's middleware, with a parser for each request that waits for the same robots.txt.

    In Scrapy 2.19 they share one Deferred whose result goes to the first that waits; the others are given None,
    which means "everything is allowed". A task gives its result to all.
    """

    def __init__(self, crawler: Crawler) -> None:
        super().__init__(crawler)
        self._fetches: dict[str, asyncio.Task[RobotParser | None]] = {}

    async def robot_parser(self, request: Request) -> RobotParser | None:
        """Return the parser of the request's host; None when its robots.txt could not be fetched."""
        host = urlparse_cached(request).netloc
        if host not in self._fetches:
            self._fetches[host] = asyncio.ensure_future(self._fetch(request))
        return await asyncio.shield(self._fetches[host])

    async def _fetch(self, request: Request) -> RobotParser | None:
        url = urlparse_cached(request)._replace(path="/robots.txt", params="", query="", fragment="").geturl()
        meta = {"dont_obey_robotstxt": True}
        robots = Request(url, priority=self.DOWNLOAD_PRIORITY, meta=meta, callback=NO_CALLBACK)
        self._stats.inc_value("robotstxt/request_count")
        try:
            response = await self.crawler.engine.download_async(robots)
        except Exception as error:  # noqa: BLE001 - a host without a readable robots.txt forbids nothing
            self._stats.inc_value(f"robotstxt/exception_count/{type(error).__name__}")
            logger.debug("No %s: %s", url, error)
            return None
        self._stats.inc_value(f"robotstxt/response_status_count/{response.status}")
        parser: RobotParser = build_from_crawler(self._parserimpl, self.crawler, response.body)
        await self.crawler.signals.send_catch_log_async(signals.robots_parsed, robotparser=parser, request=request)
        return parser
