"""A worker's calls, numbered: Redis knows one that it has answered, and the worker learns that Redis forgot one."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import count
from typing import TYPE_CHECKING

from image_spider.broker.records import Answered, Finish, Leases, Nack, Push, Pushed, Released
from image_spider.politeness.spacing import spaced

if TYPE_CHECKING:
    from image_spider.broker.frontier import Frontier
    from image_spider.config import Config
    from image_spider.frontier.budgets import FleetBudgets

NOTHING = Answered()
RENAMED_SECONDS = 0.2  # until the heartbeat has given a worker another name


class Calls:
    """One push call, one lease call and one finish or nack call at a time, as the broker asks for."""

    def __init__(
        self,
        *,
        requests: Frontier,
        settings: Config,
        budgets: FleetBudgets,
        spare: Callable[[], Mapping[str, int]],
    ) -> None:
        self._requests = requests
        self._worker = budgets.worker
        self._clock = budgets.clock  # learns the server's time from each lease call
        self._spare = spare  # hosts at which pages may use turns that were taken for images
        self._delay_ms = round(1000 * spaced(settings.HOST_DELAY_SECONDS), 3)
        self._concurrency = settings.HOST_CONCURRENCY
        self._pushes = count(1)
        self._leases = count(1)
        self._releases = count(1)
        self._answered: dict[str, Answered] = {}  # by the worker's name: declared dead, it takes another
        self._pushing = asyncio.Lock()

    async def push(self, requests: Sequence[Push], *, batch: str = "") -> Sequence[Pushed]:
        """Push requests. A batch of start URLs is pushed once, and lets a crawl that has finished run again."""
        async with self._pushing:
            while True:
                worker, call = self._worker(), next(self._pushes)
                pushed = await self._requests.push(
                    worker=worker,
                    call=call,
                    requests=requests,
                    reopen=bool(batch),
                    batch=batch,
                    answered=self.answered(worker),
                )
                if pushed is not None:
                    self._note(worker, push=call)
                    return pushed
                await asyncio.sleep(RENAMED_SECONDS)

    async def finish(self, worker: str, finishes: Sequence[Finish]) -> Released:
        """Finish requests whose links this worker has pushed."""
        call, answered = next(self._releases), self.answered(worker)
        released = await self._requests.finish(worker=worker, finishes=finishes, call=call, answered=answered)
        self._note(worker, release=call)
        return released

    async def nack(self, worker: str, nacks: Sequence[Nack]) -> Released:
        """Give requests back."""
        call, answered = next(self._releases), self.answered(worker)
        released = await self._requests.nack(worker=worker, nacks=nacks, call=call, answered=answered)
        self._note(worker, release=call)
        return released

    def answered(self, worker: str) -> Answered:
        """Return the last calls under a worker's name that Redis has answered."""
        return self._answered.get(worker, NOTHING)

    def _note(self, worker: str, **calls: int) -> None:
        self._answered[worker] = replace(self.answered(worker), **calls)

    async def lease(self, count: int) -> Leases:
        """Lease up to so many requests."""
        sent = time.monotonic()
        leases = await self._requests.lease(
            worker=self._worker(),
            call=next(self._leases),
            count=count,
            host_delay_ms=self._delay_ms,
            host_concurrency=self._concurrency,
            spare=self._spare(),
        )
        self._clock.note(sent=sent, received=time.monotonic(), server=leases.at)
        return leases
