"""robots.txt for every request, the first ones of a host too; and how often it lets us ask."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from scrapy import Request, signals
from scrapy.downloadermiddlewares.robotstxt import RobotsTxtMiddleware as ScrapyRobotsTxtMiddleware
from scrapy.http.request import NO_CALLBACK
from scrapy.robotstxt import ProtegoRobotParser, PythonRobotParser
from scrapy.spidermiddlewares.httperror import HttpError
from scrapy.utils.datatypes import LocalCache
from scrapy.utils.httpobj import urlparse_cached
from scrapy.utils.misc import build_from_crawler

from image_spider import causes, config
from image_spider.delayed import delayed
from image_spider.exceptions import NoProxy, ProxyFailed
from image_spider.extensions.retries import Retries
from image_spider.politeness.host_down import HostClosed, HostDown
from image_spider.politeness.robots import ROBOTS_TXT, floor_of
from image_spider.politeness.robots_book import Robots, RobotsBook, RobotsUnreachable, Verdict, verdict_of
from image_spider.politeness.rules import rules_of
from image_spider.politeness.turn import ahead_of
from image_spider.refusals import RefusedRequest
from image_spider.unfinished import Halted

if TYPE_CHECKING:
    from scrapy.crawler import Crawler
    from scrapy.http import Response
    from scrapy.robotstxt import RobotParser

    from image_spider.politeness.politeness import Politeness

logger = logging.getLogger(__name__)

HOSTS = 10_000  # whose delays are remembered
LARGE_BYTES = 64 * 1024  # a larger one is read in a thread: half a megabyte takes Protego 0.4 s
NO_FAULT_OF_ITS_OWN = (Halted, HostClosed, HostDown, ProxyFailed)  # they tell nothing of a robots.txt


class RobotsTxtMiddleware(ScrapyRobotsTxtMiddleware):
    """Scrapy's middleware, with a parser for each request that waits for the same robots.txt.

    In Scrapy 2.19 they share one Deferred whose result goes to the first that waits; the others are given None,
    which means "everything is allowed". A task gives its result to all. Nothing is sent to a host whose robots.txt
    cannot be had. Its Crawl-delay and Request-rate are the least delay of the host.
    """

    def __init__(self, crawler: Crawler) -> None:
        super().__init__(crawler)
        self._retries = retries = Retries.of(crawler)
        self._floors: LocalCache[str, dict[str, float]] = LocalCache(limit=HOSTS)  # host -> host and port -> seconds
        self._book = RobotsBook(rounds=retries.times, rules=rules_of(config.from_settings(crawler.settings)))
        self._fetches: dict[str, asyncio.Task[Robots]] = {}  # under way, by host and port

    async def robot_parser(self, request: Request) -> RobotParser | None:
        """Return the parser of the request's host; None when it has no robots.txt, and allows all.

        Raises HostClosed while it is to be asked for again, RobotsUnreachable when that is over, and what else kept us
        from asking. What all wait for is shared; a failure is that of the request for which it was asked: the others
        ask for themselves, until the breaker of the host ends it, or they would all be lost by one connection.
        """
        host = urlparse_cached(request).netloc
        while True:
            if robots := self._book.get(host):
                return robots.parser
            fetch = self._fetches.get(host)
            own = fetch is None or fetch.done()
            if fetch is None or fetch.done():
                fetch = self._fetches[host] = asyncio.ensure_future(self._fetch(request, host))
                fetch.add_done_callback(lambda done: self._ended(host, done))
            try:
                return (await asyncio.shield(fetch)).parser
            except (RobotsUnreachable, ProxyFailed) as error:
                if own or isinstance(error, NoProxy):
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

    def _ended(self, host: str, fetch: asyncio.Task[Robots]) -> None:
        if self._fetches.get(host) is fetch:
            del self._fetches[host]
        if not fetch.cancelled():
            fetch.exception()  # it is no news when nobody waits for it any more

    async def _fetch(self, request: Request, host: str) -> Robots:
        url = urlparse_cached(request)._replace(path="/robots.txt", params="", query="", fragment="").geturl()
        meta = {"dont_obey_robotstxt": True, ROBOTS_TXT: True, **ahead_of(request)}
        if self._book.troubled(host):
            meta["dont_retry"] = True  # this is a retry
        robots = Request(url, priority=self.DOWNLOAD_PRIORITY, meta=meta, callback=NO_CALLBACK)
        self._stats.inc_value("robotstxt/request_count")
        try:
            response = await self._retries.download(robots, halted=self._halted)
            self._stats.inc_value(f"robotstxt/response_status_count/{response.status}")
            return await self._read(request, host, response)
        except NO_FAULT_OF_ITS_OWN:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, we do not know what the host forbids
            self._stats.inc_value(f"robotstxt/exception_count/{type(error).__name__}")
            logger.debug("No %s: %s", url, error)
            failure = causes.of(error)
        if failure.cause == causes.REDIRECTS:
            return self._book.put(host, None)
        return self._book.failed(host, failure)

    async def _read(self, request: Request, host: str, response: Response) -> Robots:
        """Read an answer; raises HttpError for one that tells nothing, and RefusedRequest for what is not readable."""
        proxied = bool(response.request and response.request.meta.get("proxy"))
        verdict = verdict_of(response.status, proxied=proxied)
        if verdict is Verdict.UNREACHABLE:
            raise HttpError(response)
        if verdict is Verdict.FREE:
            return self._book.put(host, None)
        try:
            parser = await self._parsed(response.body)
            self._set_floor(request, parser)
        except Exception as error:
            raise RefusedRequest(causes.CORRUPT, f"it cannot be read: {error!r}") from error
        await self.crawler.signals.send_catch_log_async(signals.robots_parsed, robotparser=parser, request=request)
        return self._book.put(host, parser, size=len(response.body))

    async def _parsed(self, body: bytes) -> RobotParser:
        def parse() -> RobotParser:
            parser: RobotParser = build_from_crawler(self._parserimpl, self.crawler, body)
            return parser

        return await asyncio.to_thread(parse) if len(body) > LARGE_BYTES else parse()

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
