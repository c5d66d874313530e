"""robots.txt for every request, the first ones of a host too; and how often it lets us ask."""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from scrapy import Request, signals
from scrapy.downloadermiddlewares.robotstxt import RobotsTxtMiddleware as ScrapyRobotsTxtMiddleware
from scrapy.http.request import NO_CALLBACK
from scrapy.robotstxt import ProtegoRobotParser, PythonRobotParser
from scrapy.utils.datatypes import LocalCache
from scrapy.utils.httpobj import urlparse_cached
from scrapy.utils.misc import build_from_crawler

from image_spider.delayed import delayed
from image_spider.extensions.retries import Retries
from image_spider.politeness.host_down import HostClosed
from image_spider.politeness.robots import ROBOTS_TXT, floor_of
from image_spider.politeness.turn import ahead_of

if TYPE_CHECKING:
    from scrapy.crawler import Crawler
    from scrapy.robotstxt import RobotParser

    from image_spider.politeness.politeness import Politeness

logger = logging.getLogger(__name__)

READ_SECONDS = 24 * 3600.0  # RFC 9309, 2.4: not to be used for longer than a day
HOSTS = 10_000  # whose robots.txt is remembered
UNREAD_SECONDS = 300.0  # until a robots.txt that could not be fetched is asked for again


@dataclass(frozen=True, slots=True)
class Fetch:
    """A robots.txt that is being fetched, or was, and since when, time.monotonic()."""

    task: asyncio.Task[RobotParser | None]
    since: float

    @property
    def stale(self) -> bool:
        """Whether it is time to ask again."""
        if not self.task.done():
            return False
        return time.monotonic() > self.since + (READ_SECONDS if self.task.result() else UNREAD_SECONDS)


class RobotsTxtMiddleware(ScrapyRobotsTxtMiddleware):
    """Scrapy's middleware, with a parser for each request that waits for the same robots.txt.

    In Scrapy 2.19 they share one Deferred whose result goes to the first that waits; the others are given None,
    which means "everything is allowed". A task gives its result to all. Its Crawl-delay and Request-rate are the least
    delay of the host.
    """

    def __init__(self, crawler: Crawler) -> None:
        super().__init__(crawler)
        retries = crawler.get_extension(Retries)
        assert retries
        self._retries = retries
        self._floors: LocalCache[str, dict[str, float]] = LocalCache(limit=HOSTS)  # host -> host and port -> seconds
        self._fetches: LocalCache[str, Fetch] = LocalCache(limit=HOSTS)

    async def robot_parser(self, request: Request) -> RobotParser | None:
        """Return the parser of the request's host; None when its robots.txt could not be fetched."""
        host = urlparse_cached(request).netloc
        fetch = self._fetches.get(host)
        if fetch is None or fetch.stale:
            fetch = Fetch(asyncio.ensure_future(self._fetch(request)), time.monotonic())
            self._fetches[host] = fetch
        try:
            return await asyncio.shield(fetch.task)
        except HostClosed:
            if self._fetches.get(host) is fetch:
                del self._fetches[host]
            raise

    async def process_request(self, request: Request) -> Request | None:  # type: ignore[override]
        """Return when the request is allowed; a page whose host is closed goes back to the scheduler."""
        try:
            await super().process_request(request)
        except HostClosed as closed:
            if request.callback is NO_CALLBACK:
                raise
            return delayed(request.replace(dont_filter=True), closed.seconds)
        return None

    async def _fetch(self, request: Request) -> RobotParser | None:
        url = urlparse_cached(request)._replace(path="/robots.txt", params="", query="", fragment="").geturl()
        meta = {"dont_obey_robotstxt": True, ROBOTS_TXT: True, **ahead_of(request)}
        robots = Request(url, priority=self.DOWNLOAD_PRIORITY, meta=meta, callback=NO_CALLBACK)
        self._stats.inc_value("robotstxt/request_count")
        try:
            response = await self._retries.download(robots, halted=self._halted)
        except HostClosed:
            raise  # it is asked for later
        except Exception as error:  # noqa: BLE001 - a host without a readable robots.txt forbids nothing
            self._stats.inc_value(f"robotstxt/exception_count/{type(error).__name__}")
            logger.debug("No %s: %s", url, error)
            return None
        self._stats.inc_value(f"robotstxt/response_status_count/{response.status}")
        parser: RobotParser = build_from_crawler(self._parserimpl, self.crawler, response.body)
        await self.crawler.signals.send_catch_log_async(signals.robots_parsed, robotparser=parser, request=request)
        if response.status == 200:
            self._set_floor(request, parser)
        return parser

    def _set_floor(self, request: Request, parser: RobotParser) -> None:
        """Tell how often the host lets us ask. The ports of a host are one to its budget: the slowest counts."""
        politeness: Politeness | None = getattr(self.crawler.spider, "politeness", None)
        if politeness is None:
            return
        url = urlparse_cached(request)
        host = url.hostname or ""
        seconds = seconds_asked_for(parser, self._robotstxt_useragent or self._default_useragent)
        floors = self._floors[host] = {**self._floors.get(host, {}), url.netloc: seconds}
        politeness.states.set_floor(host, max(floors.values()))

    def _halted(self) -> str:
        return "the crawl is ending" if getattr(self.crawler.spider, "stopping", False) else ""


def seconds_asked_for(parser: RobotParser, token: str) -> float:
    """Return the least seconds between two requests by Crawl-delay and Request-rate, for this name of a robot; or 0."""
    rate = parser.rp.request_rate(token) if isinstance(parser, ProtegoRobotParser | PythonRobotParser) else None
    return floor_of(parser.crawl_delay(token), (rate.requests, rate.seconds) if rate else None)
