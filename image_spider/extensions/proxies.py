"""The proxy pool of a crawl: it holds the pool, and runs beside the requests what keeps it up to date."""

from __future__ import annotations

import asyncio
import logging
import uuid
from typing import TYPE_CHECKING, Self
from weakref import WeakKeyDictionary

from scrapy import signals
from scrapy.exceptions import NotConfigured

from image_spider import config
from image_spider.broker.proxies import SharedProxies
from image_spider.exceptions import UsageError
from image_spider.frontier.background import Background
from image_spider.frontier.fleet import connect_fleet
from image_spider.proxies.bans import EVERYWHERE, Ban
from image_spider.proxies.clock import Clock
from image_spider.proxies.config import answer_rules, pool_rules
from image_spider.proxies.member import Attempt, Outcome
from image_spider.proxies.pool import Pool
from image_spider.proxies.prober import Prober
from image_spider.proxies.sharing import Sharing
from image_spider.proxies.sources import Source, list_source
from image_spider.spiders.images import images_spider

if TYPE_CHECKING:
    from scrapy import Request
    from scrapy.crawler import Crawler
    from scrapy.http import Response

    from image_spider.config import Config
    from image_spider.spiders.images import ImagesSpider

logger = logging.getLogger(__name__)

LOOK_SECONDS = 1.0  # between looks at PROXY_FILE
REDIS_SECONDS = 3.0  # for a first or a last word
SHOWN = 50  # proxies whose counts stand in the stats of a crawl


class Proxies:
    """The pool, for the middlewares and the download handler."""

    def __init__(self, *, spider: ImagesSpider, settings: Config, shared: SharedProxies | None) -> None:
        self._clock = Clock()
        self.pool = Pool(rules=pool_rules(settings), clock=self._clock, banned=self._banned)
        self.attempts: WeakKeyDictionary[Request, Attempt] = WeakKeyDictionary()
        self.rules = answer_rules(settings)
        self.connect_seconds = settings.PROXY_CONNECT_SECONDS
        self._spider = spider
        self._settings = settings
        self._source: Source | None = list_source(settings)
        self._shared = shared
        lists = settings.PROXIES == "redis"
        self._sharing = Sharing(shared=shared, pool=self.pool, clock=self._clock, lists=lists) if shared else None
        self._prober = Prober(url=settings.PROXY_PROBE_URL, timeout_seconds=settings.PROXY_CONNECT_SECONDS)
        self._background = Background(abort=spider.abort)

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Read the PROXY_ settings; off without PROXIES."""
        settings = config.from_settings(crawler.settings)
        if not settings.PROXIES:
            raise NotConfigured
        if settings.PROXIES == "redis" and not settings.REDIS_URL:
            raise UsageError("PROXIES", "redis", "file or env, for without REDIS_URL there is no Redis")
        spider = images_spider(crawler)
        # A fleet's own connection ends with the scheduler, which is before the last counts are told.
        shared = connect_fleet(crawler.settings, spider=spider.name).proxies if settings.REDIS_URL else None
        extension = cls(spider=spider, settings=settings, shared=shared)
        extension.read()
        crawler.signals.connect(extension.spider_opened, signals.spider_opened)
        crawler.signals.connect(extension.spider_closed, signals.spider_closed)
        return extension

    def read(self) -> None:
        """Read the list of proxies; raises UsageError when there is none, unless it is Redis's."""
        if self._source:
            self.pool.set_proxies(self._source.read())

    def tells_of_host(self, request: Request, response: Response) -> bool:
        """Tell whether an answer tells how its host is: it came directly, or is neither a ban nor the proxy's own."""
        attempt = self.attempts.get(request)
        return attempt is None or self.rules.tells_of_host(response.status, tunnel=attempt.proxy.tunnels(request.url))

    def unreadable(self, request: Request) -> None:
        """End the attempt of a request whose answer cannot be unpacked: the proxy or the host may have spoilt it."""
        if attempt := self.attempts.pop(request, None):
            self.pool.end(attempt, Outcome.UNWELL)
            self._spider.crawler.stats.inc_value(f"proxies/{Outcome.UNWELL}")

    async def spider_opened(self) -> None:
        """Learn what the fleet knows, before the first request."""
        if self._sharing:
            if not await self._exchange_in_time(times=2):  # the first one may bring the list alone
                logger.warning("Redis does not answer: the proxies are used without what the fleet knows of them")
            self._background.run(self._sharing.run())
        if self._source:
            self._background.run(self._follow(self._source))
        if self._settings.PROXY_PROBE_SECONDS:
            self._background.run(self._probe())
        logger.info("%d proxies, %s", len(self.pool.proxies), self._settings.PROXY_STRATEGY)

    async def spider_closed(self) -> None:
        """Tell the fleet the last counts."""
        await self._background.cancel()
        await self._prober.close()
        stats = self._spider.crawler.stats
        for proxy in self.pool.proxies[:SHOWN]:
            tally = self.pool.known(proxy.name)
            for name in ("ok", "banned", "failed"):
                stats.set_value(f"proxies/{proxy.name}/{name}", getattr(tally, name))
        if self._sharing and self._shared:
            if not await self._exchange_in_time(times=1):
                logger.info("The last counts of the proxies are lost: Redis does not answer")
            await self._shared.client.close()

    async def _exchange_in_time(self, *, times: int) -> bool:
        """Exchange news with Redis; tell whether it answered within three seconds."""

        async def exchange() -> None:
            assert self._sharing
            for _ in range(times):
                await self._sharing.exchange()

        talking = Background(abort=self._spider.abort)
        _, late = await asyncio.wait([talking.run(exchange())], timeout=REDIS_SECONDS)
        await talking.cancel()
        return not late

    def _banned(self, name: str, host: str, ban: Ban) -> None:
        where = "all hosts" if host == EVERYWHERE else host
        seconds = ban.until - self._clock()
        logger.info("The proxy %s rests for %.0f s for %s: %s", name, seconds, where, ban.reason)
        self._spider.crawler.stats.inc_value("proxies/bans")

    async def _follow(self, source: Source) -> None:
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            proxies = source.changed()
            if proxies is not None:
                logger.info("%d proxies from now on", len(proxies))
                self.pool.set_proxies(proxies)

    async def _probe(self) -> None:
        seconds, me = self._settings.PROXY_PROBE_SECONDS, uuid.uuid4().hex
        whole = bool(self._settings.PROXY_PROBE_URL)  # a connection alone does not show that a proxy works
        while True:
            await asyncio.sleep(seconds)
            if self._sharing and not await self._sharing.may_probe(worker=me, seconds=seconds):
                continue
            proxies = self.pool.to_probe(idle_seconds=seconds, resting=whole)
            for name, reason in (await self._prober.probe(proxies)).items():
                self.pool.probed(name, reason=reason)
