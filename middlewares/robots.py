"""robots.txt for every request, the first ones of a host too."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from scrapy.downloadermiddlewares.robotstxt import RobotsTxtMiddleware as ScrapyRobotsTxtMiddleware
from scrapy.utils.httpobj import urlparse_cached

if TYPE_CHECKING:
    from scrapy import Request
    from scrapy.crawler import Crawler
    from scrapy.robotstxt import RobotParser


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
            self._fetches[host] = asyncio.ensure_future(super().robot_parser(request))
        return await asyncio.shield(self._fetches[host])
