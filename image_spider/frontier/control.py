"""What a worker does when it hears that a crawl was paused, stopped, or is over."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Iterable
from typing import TYPE_CHECKING, Any

from image_spider.broker.records import CrawlState, Renewal
from image_spider.frontier.bookkeeper import HALTED, OVER, Bookkeeper
from image_spider.frontier.engine import Engine

if TYPE_CHECKING:
    from image_spider.broker.crawls import Crawls
    from image_spider.broker.records import Leased
    from image_spider.frontier.buffer import LeaseBuffer
    from image_spider.frontier.claims import Claims
    from image_spider.frontier.leases import HeldLeases
    from image_spider.spiders.images import ImagesSpider


LOOK_SECONDS = 0.1  # between two looks whether the worker is to end


class Control:
    """Applies the states of crawls to this worker, and ends it when its work is done.

    longest_idle is in seconds, 0 for ever; shutdown_seconds is what an ending worker has for what is being transferred.
    run starts a coroutine in the background; give_back returns leases that the engine has not seen.
    """

    def __init__(
        self,
        *,
        engine: Engine,
        longest_idle: float,
        spider: ImagesSpider,
        crawls: Crawls,
        bookkeeper: Bookkeeper,
        run: Callable[[Coroutine[Any, Any, object]], object],
        give_back: Callable[[Iterable[Leased], str], None],
        shutdown_seconds: float,
    ) -> None:
        self._engine = engine
        self._spider = spider
        self._crawls = crawls
        self._bookkeeper = bookkeeper
        self._run = run
        self._give_back = give_back
        self._longest_idle = longest_idle
        self._shutdown_seconds = shutdown_seconds
        self._busy_at = time.monotonic()
        self._filled: set[str] = set()  # crawls that have max_images
        self.started = False  # the start URLs of the run's own crawl are in the frontier

    def heard(self, renewal: Renewal, *, buffer: LeaseBuffer, held: HeldLeases, in_use: set[str]) -> None:
        """Apply what a heartbeat brought; crawls in use have requests with the engine."""
        for crawl_id, state in renewal.states.items():
            if crawl_id not in self._spider.crawls:
                continue
            served = self._spider.crawls[crawl_id]
            before, served.halted = served.halted, HALTED.get(state, "")
            if served.halted and not before:
                self.take_back(crawl_id, served.halted, buffer=buffer, held=held)
            if state in OVER and crawl_id not in in_use and served.crawl != self._spider.crawl:
                self._spider.crawls.remove(crawl_id)  # should it run again, its arguments may be others
                self._filled.discard(crawl_id)
        self.over(renewal.ended)
        self._end_run([crawl_id for crawl_id, state in renewal.states.items() if state in OVER])

    def over(self, crawl_ids: Iterable[str]) -> None:
        """Record crawls that are over."""
        self._bookkeeper.end(crawl_ids)
        self._end_run(crawl_ids)

    def full(self, crawl_id: str) -> None:
        """End a crawl that has max_images, on all workers."""
        if crawl_id not in self._filled:
            self._filled.add(crawl_id)
            self._run(self._crawls.set_state(crawl=crawl_id, state=CrawlState.STOPPED))

    def take_back(self, crawl_id: str | None, cause: str, *, buffer: LeaseBuffer, held: HeldLeases) -> None:
        """Return to the queue what is not being transferred yet, of one crawl or of all."""
        self._give_back(buffer.take_out(crawl_id), cause)
        for request in self._engine.take_back(crawl_id):
            held.give_back(request, cause, attempted=False)

    async def end_in_order(self, *, buffer: LeaseBuffer, held: HeldLeases, claims: Claims) -> None:
        """Give back what has not begun, once the worker is ending, and in the end what is being transferred, too.

        It goes on while Redis is away, for which all else waits.
        """
        ends_at = 0.0
        while True:
            if self._spider.stopping:
                ends_at = ends_at or time.monotonic() + self._shutdown_seconds
                self.take_back(None, "the worker is ending", buffer=buffer, held=held)
                if time.monotonic() > ends_at:
                    held.give_back_all("the worker had to end")
                    self._engine.cut_short()
                    claims.give_up("the worker had to end")
            await asyncio.sleep(LOOK_SECONDS)

    def end_if_idle(self, *, busy: bool) -> None:
        """End a worker that has had nothing to do for MAX_IDLE_TIME_BEFORE_CLOSE seconds."""
        if busy or (self._spider.crawl and not self.started):
            self._busy_at = time.monotonic()
        idle = time.monotonic() - self._busy_at
        if self._longest_idle and idle >= self._longest_idle and not self._spider.stopping:
            self._spider.stop("finished")

    def _end_run(self, over: Iterable[str]) -> None:
        """End a run that was started for one crawl when that crawl is over."""
        crawl = self._spider.crawl
        if crawl and crawl.id in over and self.started and not self._spider.stopping:
            self._run(self._end_run_of(crawl.id))

    async def _end_run_of(self, crawl_id: str) -> None:
        # Asked anew: what was heard may be older than the start of this run.
        record = await self._crawls.get(crawl=crawl_id)
        if record and record.state in OVER:
            self._bookkeeper.end([crawl_id])
            self._spider.stop("max_images" if crawl_id in self._filled else "finished")
