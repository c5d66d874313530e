"""A worker of the fleet: what runs beside Scrapy's engine, and how its parts are joined."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from image_spider.broker.records import Leased, Nack, Push, Pushed, Released, Renewal
from image_spider.exceptions import BrokerError, PayloadError, UsageError
from image_spider.frontier import codec
from image_spider.frontier.background import Background
from image_spider.frontier.bookkeeper import Bookkeeper
from image_spider.frontier.budgets import FleetBudgets
from image_spider.frontier.buffer import LeaseBuffer
from image_spider.frontier.calls import Calls
from image_spider.frontier.claims import Claims
from image_spider.frontier.control import Control
from image_spider.frontier.dupefilter import FleetDupeFilter
from image_spider.frontier.engine import Engine
from image_spider.frontier.feed import Feed
from image_spider.frontier.heartbeat import Heartbeat
from image_spider.frontier.leases import HeldLeases
from image_spider.frontier.outbox import Outbox
from image_spider.frontier.queue import LeaseQueue
from image_spider.frontier.quotas import Quotas
from image_spider.frontier.settling import Settling
from image_spider.politeness.politeness import Politeness
from image_spider.refused_pages import RefusedPages

if TYPE_CHECKING:
    from scrapy import Request
    from scrapy.crawler import Crawler

    from image_spider.config import Config
    from image_spider.frontier.fleet import Fleet
    from image_spider.frontier.start_entries import StartEntry
    from image_spider.spiders.images import ImagesSpider

logger = logging.getLogger(__name__)

HELD_PER_PLACE = 4  # requests in hand for each that can be downloaded at a time: what a kill makes others do again
CLOSE_SECONDS = 10.0  # for giving everything back; what a Redis that is away cannot hear, comes back with the leases


class Worker:
    """One process of the fleet.

    Nothing here blocks, and after open() nothing raises: calls to Redis wait while it is away, for ever if need be.
    """

    def __init__(self, *, crawler: Crawler, spider: ImagesSpider, fleet: Fleet, settings: Config) -> None:
        self._crawler = crawler
        self._spider = spider
        self._fleet = fleet
        self._settings = settings
        self._working = Background(abort=spider.abort)  # ends when the worker closes ...
        self._talking = Background(abort=spider.abort)  # ... and this when it has said goodbye
        self._most_held = HELD_PER_PLACE * crawler.settings.getint("CONCURRENT_REQUESTS")
        self._joined = False
        self.counters: Counter[str] = Counter()
        self._engine = Engine(crawler)
        self._wire_queue(crawler)
        self._wire_fleet(crawler)

    def _wire_queue(self, crawler: Crawler) -> None:
        """Join what requests go through here."""
        spider, fleet, settings = self._spider, self._fleet, self._settings
        self._budgets = FleetBudgets(hosts=fleet.hosts, worker=lambda: self.heartbeat.name)
        spider.politeness = Politeness(crawler=crawler, spider=spider, keeper=self._budgets, run=self._talking.run)
        self._turns = spider.politeness.turns
        self._calls = Calls(requests=fleet.requests, settings=settings, budgets=self._budgets, spare=self._turns.spare)
        self.outbox = Outbox(push=self._calls.push, pushed=self._pushed)
        self.buffer = LeaseBuffer(
            lease=self._calls.lease,
            prepare=self._prepare,
            free=self._engine.free_places,
            hungry=lambda: self.held.with_engine < self._most_held // 2,
            look_ahead=0 if settings.HOST_DELAY_SECONDS else 4 * crawler.settings.getint("CONCURRENT_REQUESTS"),
            arrived=self._engine.wake,
        )
        self.dupefilter = FleetDupeFilter.from_crawler(crawler)
        self.queue = LeaseQueue(spider=spider, outbox=self.outbox, buffer=self.buffer, dupefilter=self.dupefilter)
        self.held = HeldLeases(in_progress=self._engine.in_progress, position=lambda: self.outbox.added)

    def _wire_fleet(self, crawler: Crawler) -> None:
        """Join what speaks to the fleet of them."""
        spider, fleet = self._spider, self._fleet
        self.heartbeat = Heartbeat(
            client=fleet.client,
            workers=fleet.workers,
            lease_seconds=self._settings.LEASE_SECONDS,
            counters=lambda: {**self.counters, "requests": self.settling.finished},
            crawls=lambda: tuple(spider.crawls),
            answered=self._calls.answered,
        )
        self.bookkeeper = Bookkeeper(
            crawls=fleet.crawls, claims=fleet.claims, registry=spider.crawls, run=self._talking.run
        )
        self.control = Control(
            engine=self._engine,
            longest_idle=crawler.settings.getint("MAX_IDLE_TIME_BEFORE_CLOSE"),
            spider=spider,
            crawls=fleet.crawls,
            bookkeeper=self.bookkeeper,
            run=self._talking.run,
            give_back=self._give_back,
            shutdown_seconds=self._settings.SHUTDOWN_SECONDS,
        )
        self.claims = Claims(
            claims=fleet.claims,
            crawls=spider.crawls,
            worker=lambda: self.heartbeat.name,
            ending=lambda: spider.stopping,
            full=self.control.full,
            run=self._talking.run,
        )
        refused = RefusedPages(crawler)
        self.quotas = Quotas(
            spider=spider, fleet=fleet, refused=refused, settings=self._settings, full=self.control.full
        )
        self.settling = Settling(
            requests=fleet.requests,
            worker=lambda: self.heartbeat.name,
            calls=self._calls,
            outbox=self.outbox,
            images_settled=self.claims.settled,
            held=self.held,
            buffer=self.buffer,
            released=self._released,
            settled=self._engine.wake,
        )
        self.feed = Feed(start_urls=fleet.start_urls, crawls=fleet.crawls, make=self._to_push, push=self._push_starts)

    @property
    def failed(self) -> bool:
        """Whether the worker cannot go on."""
        return self._spider.error is not None

    @property
    def away_reason(self) -> str:
        """Why Redis does not answer; empty while it does."""
        return self._fleet.client.away_reason

    # The life of a worker

    async def open(self) -> None:
        """Join the fleet; the crawl ends at once when Redis cannot be reached now."""
        try:
            await self._fleet.client.connect()
        except (UsageError, BrokerError) as error:
            self._spider.abort(error)
            return
        if self._crawler.settings.getbool("SCHEDULER_FLUSH_ON_START"):
            await self._flush_on_start()
        await self.heartbeat.join()
        self._joined = True

    def begin(self) -> None:
        """Start to work: the pipelines are open now."""
        if self._spider.error:
            return
        self._talking.run(self.heartbeat.run(declared_dead=self._declared_dead, heard=self._heard))
        self._talking.run(self.outbox.run())
        self._talking.run(self.quotas.run())
        self._working.run(self.buffer.run())
        self._working.run(self.settling.run())
        self._working.run(self.control.end_in_order(buffer=self.buffer, held=self.held, claims=self.claims))
        self._working.run(self.feed.run())
        if self._spider.crawl:
            self._working.run(self._start_crawl())

    async def close(self) -> None:
        """Give everything back and leave; nobody else's work is touched."""
        await self._working.cancel()
        if self._joined:
            leaving = Background(abort=self._spider.abort)
            _, late = await asyncio.wait([leaving.run(self._leave())], timeout=CLOSE_SECONDS)
            if late:
                logger.warning("Redis does not answer: what this worker held is given out again in LEASE_SECONDS")
            await leaving.cancel()
            await self._talking.cancel()
        await self._fleet.client.close()

    async def _leave(self) -> None:
        await self.claims.settled()
        await self.outbox.flush()
        await self.quotas.tell()
        await self.settling.settle()
        await self.bookkeeper.close()
        await self._talking.cancel()  # a heartbeat after the farewell would join anew
        released = await self._fleet.workers.leave(worker=self.heartbeat.name)
        logger.info("Worker %s has left the fleet and gave back %d requests", self.heartbeat.name, released.returned)

    async def _flush_on_start(self) -> None:
        others = [worker for worker in await self._fleet.workers.all() if worker.alive_ms > 0]
        if others:
            logger.warning("SCHEDULER_FLUSH_ON_START is left undone: %d workers use the queue", len(others))
        else:
            await self._fleet.requests.empty()

    async def _start_crawl(self) -> None:
        crawl = self._spider.crawl
        assert crawl
        await self.bookkeeper.record_start(crawl)
        await self.feed.start(crawl)
        self.control.started = True

    # What the engine and the pipelines tell

    def next_request(self) -> Request | None:
        """Hand out the next request, or None; a payload that is none becomes a dead letter.

        None, too, while many pages that were fetched wait for their images: Scrapy itself bounds only their bytes. What
        is in the buffer then goes back, for it has places that those images need.
        """
        if self.held.with_engine >= self._most_held:
            self._give_back(self.buffer.take_out(None), "not now")
            return None
        while leased := self.queue.pop():
            try:
                request = codec.decode(leased.payload, self._spider)
            except PayloadError as error:
                self._give_back([leased], str(error), dead=True)
                continue
            request.meta["crawl_id"] = leased.crawl
            self._turns.leased(request, self._budgets.turn_of(leased))
            self.held.add(request, leased)
            return request
        self.settling.hurry()
        self.outbox.hurry()
        return None

    def request_answered(self, request: Request) -> None:
        """Free the place of a request's host."""
        if self.held.answer(request) and not len(self.buffer):
            self.settling.hurry()

    def request_ended(self, request: Request | None, counter: str) -> None:
        """Count something for a request's crawl, and for this worker."""
        self.held.count(request, counter)
        self.counters[counter] += 1

    # Calls to Redis

    async def _push_starts(self, requests: Sequence[Push], *, batch: str) -> None:
        for push, result in zip(requests, await self._calls.push(requests, batch=batch), strict=False):
            self.quotas.pushed(push, result)
        self.buffer.wake()

    def _pushed(self, push: Push, result: Pushed) -> None:
        self._crawler.stats.inc_value(f"frontier/{result.name.lower()}")
        if result is Pushed.QUEUED:
            self.buffer.wake()
        self.quotas.pushed(push, result)

    async def _prepare(self, leases: Sequence[Leased]) -> Sequence[Leased]:
        """Learn of crawls that are new to this worker; give back what must not be fetched now."""
        registry, broken = self._spider.crawls, set()
        for crawl_id in {leased.crawl for leased in leases if leased.crawl not in registry}:
            try:
                await self.bookkeeper.begin(crawl_id)
            except PayloadError as error:
                self._give_back([leased for leased in leases if leased.crawl == crawl_id], str(error), dead=True)
                broken.add(crawl_id)
        ready: list[Leased] = []
        not_now: list[Leased] = []
        for leased in leases:
            if leased.crawl not in broken:  # a crawl may have been stopped, and forgotten, while others were begun
                begins = leased.crawl in registry and not registry[leased.crawl].halted and not self._spider.stopping
                (ready if begins else not_now).append(leased)
        self._give_back(not_now, "not now")
        return ready

    def _give_back(self, leases: Iterable[Leased], cause: str, *, dead: bool = False) -> None:
        """Give back leases that the engine has not seen."""
        for leased in leases:
            self.held.add_nack(Nack(id=leased.id, token=leased.token, cause=cause, attempted=False, dead=dead))
        self.settling.hurry()

    def _released(self, released: Released) -> None:
        if released.dead:
            self._crawler.stats.inc_value("frontier/dead", released.dead)
        self.control.over(released.ended)

    # What the heartbeat hears

    def _heard(self, renewal: Renewal) -> None:
        in_use = {request.meta.get("crawl_id", "") for request in self._engine.in_progress()}
        self.control.heard(renewal, buffer=self.buffer, held=self.held, in_use=in_use)
        self.control.end_if_idle(busy=bool(len(self.held) or len(self.queue)))

    def _declared_dead(self) -> None:
        self.held.forget()
        self.buffer.take_out(None)
        self._turns.forget()

    def _to_push(self, entry: StartEntry) -> Push:
        request = self._spider.page_request(entry.url, site="", depth=0, crawl=entry.crawl)
        return replace(self.queue.to_push(entry.apply(request)), dont_filter=True)
