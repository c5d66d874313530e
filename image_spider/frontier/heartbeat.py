"""One heartbeat per worker: it keeps the leases, tells what the worker does, and hears what became of its crawls."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import time
from collections.abc import Callable, Mapping, Sequence

from image_spider import __version__
from image_spider.broker.client import Client
from image_spider.broker.records import Answered, Renewal, WorkerReport
from image_spider.broker.workers import Workers, worker_name

logger = logging.getLogger(__name__)

BEAT_SECONDS = 0.8  # a crawl that is stopped, paused or resumed is so on every worker within 2 s
RATE_BEATS = 10  # the rate is that of so many beats


class Heartbeat:
    """The worker's membership of the fleet.

    name changes when the worker was declared dead, after a freeze longer than LEASE_SECONDS: others have its leases
    then, and what it still finishes under its old name releases nothing. It changes, too, when Redis has forgotten
    calls that it had answered: a replica was promoted that had missed the last moments.
    """

    def __init__(
        self,
        *,
        client: Client,
        workers: Workers,
        lease_seconds: float,
        counters: Callable[[], Mapping[str, int]],
        crawls: Callable[[], Sequence[str]],
        answered: Callable[[str], Answered],
    ) -> None:
        self._client = client
        self._workers = workers
        self._lease_seconds = lease_seconds
        self._counters = counters
        self._crawls = crawls
        self._answered = answered
        self._finished: list[tuple[float, int]] = []  # (monotonic time, requests so far) of the latest beats
        self._reaped = 0.0
        self.name = self._new_name()

    async def join(self) -> None:
        """Become a member."""
        await self._workers.join(worker=self.name, report=self._report())
        logger.info("Worker %s has joined the fleet", self.name)

    async def run(self, *, declared_dead: Callable[[], None], heard: Callable[[Renewal], None]) -> None:
        """Beat until cancelled."""
        while True:
            renewal = await self._workers.renew(
                worker=self.name, report=self._report(), crawls=self._crawls(), answered=self._answered(self.name)
            )
            if renewal.alive:
                heard(renewal)
                await self._reap()
            else:
                logger.warning(
                    "This worker was silent for too long and lost its leases to others, or Redis lost its last moments"
                    " in a failover: it joins anew, and what it had in hand is done again"
                )
                declared_dead()
                self.name = self._new_name()
                await self.join()
            await asyncio.sleep(BEAT_SECONDS)

    async def _reap(self) -> None:
        """Return what dead workers hold, now and then.

        Not before the own connection has been well for a lease: after an outage of Redis everybody's time is over
        until they renew, and the first to come back would take all others for dead.
        """
        if self._client.well_seconds < self._lease_seconds or time.monotonic() - self._reaped < self._lease_seconds / 4:
            return
        returned, more = 0, True
        while more and self._client.well_seconds >= self._lease_seconds:
            released = await self._workers.reap(worker=self.name)
            returned, more = returned + released.returned + released.dead, released.more
        self._reaped = time.monotonic()
        if returned:
            logger.warning("Returned %d requests of a worker that died", returned)

    def _report(self) -> WorkerReport:
        counters = dict(self._counters())
        self._finished = [*self._finished[-RATE_BEATS:], (time.monotonic(), counters.get("requests", 0))]
        (first, before), (last, now) = self._finished[0], self._finished[-1]
        rate = round((now - before) / (last - first), 1) if last > first else 0.0
        host = socket.gethostname()
        return WorkerReport(host=host, pid=os.getpid(), version=__version__, rate=rate, counters=counters)

    @staticmethod
    def _new_name() -> str:
        return worker_name(socket.gethostname(), os.getpid())
