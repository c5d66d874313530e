"""What the engine has let go, told to Redis in batches: finished, given back, answered."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from image_spider.broker.frontier import RELEASE_LIMIT, Frontier
from image_spider.broker.records import Released
from image_spider.frontier.buffer import LeaseBuffer
from image_spider.frontier.calls import Calls
from image_spider.frontier.leases import HeldLeases
from image_spider.frontier.outbox import Outbox
from image_spider.frontier.waiting import happened
from image_spider.parts import parts

LOOK_SECONDS, HURRIED_SECONDS = 0.1, 0.001  # between two looks at what the engine has let go


class Settling:
    """Finishes leases whose links and images are safe, and gives back those that were left undone.

    released is told of each answer, and settled when the engine has let requests go, and there is room for more.
    """

    def __init__(
        self,
        *,
        requests: Frontier,
        worker: Callable[[], str],
        calls: Calls,
        outbox: Outbox,
        images_settled: Callable[[], Awaitable[object]],
        held: HeldLeases,
        buffer: LeaseBuffer,
        released: Callable[[Released], None],
        settled: Callable[[], None],
    ) -> None:
        self._requests = requests
        self._worker = worker
        self._calls = calls
        self._outbox = outbox
        self._images_settled = images_settled
        self._held = held
        self._buffer = buffer
        self._released = released
        self._settled = settled
        self._hurry = asyncio.Event()
        self.finished = 0

    def hurry(self) -> None:
        """Look now: somebody waits for it."""
        self._hurry.set()

    async def run(self) -> None:
        """Settle until cancelled."""
        while True:
            if await happened(self._hurry, LOOK_SECONDS):
                await asyncio.sleep(HURRIED_SECONDS)
            self._hurry.clear()
            await self.settle()

    async def settle(self) -> None:
        """Tell Redis of all that is done now; returns when it has answered."""
        worker, held = self._worker(), self._held
        with_engine = held.with_engine
        finishes, nacks = held.settled(self._outbox.acknowledged)
        if held.with_engine < with_engine:
            self._settled()
        if held.waiting:
            self._outbox.hurry()
        for answered in parts(held.take_answered(), RELEASE_LIMIT):
            await self._requests.answered(worker=worker, leases=answered)
            self._buffer.wake()
        if finishes:
            await self._images_settled()  # a crawl's end must not be counted before its last image
        for finished in parts(finishes, RELEASE_LIMIT):
            self._released(await self._calls.finish(worker, finished))
            self.finished += len(finished)
            held.released(finished, ())
        for given_back in parts(nacks, RELEASE_LIMIT):
            self._released(await self._calls.nack(worker, given_back))
            held.released((), given_back)
        if finishes or nacks:
            self._buffer.wake()
