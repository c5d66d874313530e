"""A worker of the fleet: what runs beside Scrapy's engine, and how its parts are joined."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from image_spider.broker.records import Leased, Nack, Push, Pushed, Released, Renewal
from image_spider.exceptions import BrokerError, CatalogError, PayloadError, UsageError
from image_spider.frontier import codec
from image_spider.frontier.bookkeeper import Bookkeeper
from image_spider.frontier.buffer import LeaseBuffer
from image_spider.frontier.calls import Calls
from image_spider.frontier.claims import Claims
from image_spider.frontier.control import Control
from image_spider.frontier.dupefilter import FleetDupeFilter
from image_spider.frontier.feed import Feed
from image_spider.frontier.heartbeat import Heartbeat
from image_spider.frontier.leases import HeldLeases
from image_spider.frontier.outbox import Outbox
from image_spider.frontier.queue import LeaseQueue
from image_spider.frontier.waiting import cancelled, happened

if TYPE_CHECKING:
    from scrapy import Request
    from scrapy.crawler import Crawler

    from image_spider.config import Config
    from image_spider.frontier.fleet import Fleet
    from image_spider.frontier.start_entries import StartEntry
    from image_spider.spiders.images import ImagesSpider

logger = logging.getLogger(__name__)

SETTLE_SECONDS, HURRIED_SECONDS = 0.1, 0.001  # between two looks at what the engine has let go
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
        self._working: list[asyncio.Task[None]] = []  # these end when the worker closes ...
        self._talking: list[asyncio.Task[None]] = []  # ... and these when it has said goodbye
        self._hurry = asyncio.Event()
        self._joined = False
        self.counters: Counter[str] = Counter()
        self._wire(crawler)

    def _wire(self, crawler: Crawler) -> None:
        spider, fleet, settings = self._spider, self._fleet, self._settings
        self._calls = Calls(requests=fleet.requests, worker=lambda: self.heartbeat.name, settings=settings)
        self.outbox = Outbox(push=self._calls.push, pushed=self._pushed)
        self.buffer = LeaseBuffer(
            lease=self._calls.lease,
            prepare=self._prepare,
            free=self._free_places,
            look_ahead=0 if settings.HOST_DELAY_SECONDS else 4 * crawler.settings.getint("CONCURRENT_REQUESTS"),
            arrived=self._wake_engine,
        )
        dupefilter = FleetDupeFilter.from_crawler(crawler)
        self.dupefilter = dupefilter
        self.queue = LeaseQueue(spider=spider, outbox=self.outbox, buffer=self.buffer, dupefilter=dupefilter)
        self.held = HeldLeases(in_progress=self._in_progress, position=lambda: self.outbox.added)
        self.heartbeat = Heartbeat(
            client=fleet.client,
            workers=fleet.workers,
            lease_seconds=settings.LEASE_SECONDS,
            counters=lambda: self.counters,
            crawls=lambda: tuple(spider.crawls),
            answered=self._calls.answered,
        )
        self.bookkeeper = Bookkeeper(
            crawls=fleet.crawls, claims=fleet.claims, registry=spider.crawls, abort=spider.abort
        )
        self.control = Control(
            crawler=crawler,
            spider=spider,
            crawls=fleet.crawls,
            bookkeeper=self.bookkeeper,
            run=lambda work: self._talking.append(self._run(work)),
            give_back=self._give_back,
        )
        self.claims = Claims(
            claims=fleet.claims,
            crawls=spider.crawls,
            worker=lambda: self.heartbeat.name,
            ending=lambda: spider.stopping,
            full=self.control.full,
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
        self._talking += [
            self._run(self.heartbeat.run(declared_dead=self._declared_dead, heard=self._heard)),
            self._run(self.outbox.run()),
        ]
        self._working += [self._run(self.buffer.run()), self._run(self._settle_for_ever()), self._run(self.feed.run())]
        if self._spider.crawl:
            self._working.append(self._run(self._start_crawl()))

    def _run(self, work: Awaitable[object]) -> asyncio.Task[None]:
        return asyncio.ensure_future(self._guarded(work))

    async def close(self) -> None:
        """Give everything back and leave; nobody else's work is touched."""
        await cancelled(self._working)
        if self._joined:
            leaving = self._run(self._leave())
            _, late = await asyncio.wait([leaving], timeout=CLOSE_SECONDS)
            if late:
                logger.warning("Redis does not answer: what this worker held is given out again in LEASE_SECONDS")
            await cancelled([leaving, *self._talking])
        await self._fleet.client.close()

    async def _leave(self) -> None:
        await self.claims.settled()
        await self.outbox.flush()
        await self._settle()
        await self.bookkeeper.close()
        await cancelled(self._talking)  # a heartbeat after the farewell would join anew
        released = await self._fleet.workers.leave(worker=self.heartbeat.name)
        logger.info("Worker %s has left the fleet and gave back %d requests", self.heartbeat.name, released.returned)

    async def _guarded(self, work: Awaitable[object]) -> None:
        """Run one of the loops; should it ever fail, the worker ends and says why."""
        try:
            await work
        except CatalogError as error:
            self._spider.abort(error)
        except Exception as error:
            logger.exception("A part of this worker failed")
            self._spider.abort(BrokerError(f"a part of this worker failed: {error}"))

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
        """Hand out the next request, or None; a payload that is none becomes a dead letter."""
        while leased := self.queue.pop():
            try:
                request = codec.decode(leased.payload, self._spider)
            except PayloadError as error:
                self._give_back([leased], str(error), dead=True)
                continue
            request.meta["crawl_id"] = leased.crawl
            self.held.add(request, leased)
            return request
        self._hurry.set()
        self.outbox.hurry()
        return None

    def request_answered(self, request: Request) -> None:
        """Free the place of a request's host."""
        if self.held.answer(request) and not len(self.buffer):
            self._hurry.set()

    def request_ended(self, request: Request | None, counter: str) -> None:
        """Count something for a request's crawl, and for this worker."""
        self.held.count(request, counter)
        self.counters[counter] += 1

    # Calls to Redis

    async def _push_starts(self, requests: Sequence[Push], *, batch: str) -> None:
        await self._calls.push(requests, batch=batch)
        self.buffer.wake()

    def _pushed(self, result: Pushed) -> None:
        self._crawler.stats.inc_value(f"frontier/{result.name.lower()}")
        if result is Pushed.QUEUED:
            self.buffer.wake()

    async def _prepare(self, leases: Sequence[Leased]) -> Sequence[Leased]:
        """Learn of crawls that are new to this worker; give back what must not be fetched now."""
        registry = self._spider.crawls
        for crawl_id in {leased.crawl for leased in leases if leased.crawl not in registry}:
            try:
                await self.bookkeeper.begin(crawl_id)
            except PayloadError as error:
                self._give_back([leased for leased in leases if leased.crawl == crawl_id], str(error), dead=True)
        known = [leased for leased in leases if leased.crawl in registry]
        halted = [leased for leased in known if registry[leased.crawl].halted or self._spider.stopping]
        self._give_back(halted, "not now")
        return [leased for leased in known if leased not in halted]

    def _give_back(self, leases: Iterable[Leased], cause: str, *, dead: bool = False) -> None:
        """Give back leases that the engine has not seen."""
        for leased in leases:
            self.held.add_nack(Nack(id=leased.id, token=leased.token, cause=cause, attempted=False, dead=dead))
        self._hurry.set()

    async def _settle_for_ever(self) -> None:
        while True:
            if await happened(self._hurry, SETTLE_SECONDS):
                await asyncio.sleep(HURRIED_SECONDS)
            self._hurry.clear()
            if self._spider.stopping:
                self.control.take_back(None, "the worker is ending", buffer=self.buffer, held=self.held)
            await self._settle()

    async def _settle(self) -> None:
        finishes, nacks = self.held.settled(self.outbox.acknowledged)
        if self.held.waiting:
            self.outbox.hurry()
        worker = self.heartbeat.name
        if answered := self.held.take_answered():
            await self._fleet.requests.answered(worker=worker, leases=answered)
            self.buffer.wake()
        if finishes:
            await self.claims.settled()  # a crawl's end must not be counted before its last image
            self._released(await self._calls.finish(worker, finishes))
            self.counters["requests"] += len(finishes)
        if nacks:
            self._released(await self._calls.nack(worker, nacks))
        if finishes or nacks:
            self.held.released(finishes, nacks)
            self.buffer.wake()

    def _released(self, released: Released) -> None:
        if released.dead:
            self._crawler.stats.inc_value("frontier/dead", released.dead)
        self.control.over(released.ended)

    # What the heartbeat hears

    def _heard(self, renewal: Renewal) -> None:
        in_use = {request.meta.get("crawl_id", "") for request in self._in_progress()}
        self.control.heard(renewal, buffer=self.buffer, held=self.held, in_use=in_use)
        self.control.end_if_idle(busy=bool(len(self.held) or len(self.queue)))

    def _declared_dead(self) -> None:
        self.held.forget()
        self.buffer.take_out(None)

    # Scrapy's engine

    def _to_push(self, entry: StartEntry) -> Push:
        request = self._spider.page_request(entry.url, site="", depth=0, crawl=entry.crawl)
        return replace(self.queue.to_push(entry.apply(request)), dont_filter=True)

    def _in_progress(self) -> set[Request]:
        slot = self._crawler.engine._slot  # noqa: SLF001 - Scrapy tells nowhere else that a request's items are recorded
        return slot.inprogress if slot else set()

    def _free_places(self) -> int:
        downloader = self._crawler.engine.downloader
        return downloader.total_concurrency - len(downloader.active)

    def _wake_engine(self) -> None:
        if slot := self._crawler.engine._slot:  # noqa: SLF001 - a public call would need a request
            slot.nextcall.schedule()
