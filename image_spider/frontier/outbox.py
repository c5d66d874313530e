"""Requests on their way into the frontier: appended at once, pushed in batches."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from itertools import islice

from image_spider.broker.records import Push, Pushed
from image_spider.frontier.waiting import happened

BATCH_REQUESTS = 500  # a script is atomic: everybody waits for the length of one
BATCH_SECONDS = 0.2  # most batches go earlier: when leases wait for them to be finished

PushCall = Callable[[Sequence[Push]], Awaitable[Sequence[Pushed]]]


class Outbox:
    """Keeps the order of requests and counts how many of them Redis has.

    A lease whose children stand before position `added` may be finished once `acknowledged` has reached it. The box
    needs no bound: no new page is handed out while Redis is away, and the pages in flight have so many links.
    """

    def __init__(self, *, push: PushCall, pushed: Callable[[Push, Pushed], None]) -> None:
        self._push = push
        self._pushed = pushed
        self._waiting: deque[Push] = deque()
        self._some = asyncio.Event()
        self._hurry = asyncio.Event()
        self._one_at_a_time = asyncio.Lock()
        self.added = 0
        self.acknowledged = 0

    def __len__(self) -> int:
        """Return how many requests Redis does not have yet."""
        return self.added - self.acknowledged

    def add(self, push: Push) -> None:
        """Append a request."""
        self._waiting.append(push)
        self.added += 1
        self._some.set()
        if len(self._waiting) >= BATCH_REQUESTS:
            self._hurry.set()

    def hurry(self) -> None:
        """Push what there is now: somebody waits for it."""
        if self._waiting:
            self._hurry.set()

    async def run(self) -> None:
        """Push until cancelled."""
        while True:
            await self._some.wait()
            await happened(self._hurry, BATCH_SECONDS)
            await self.flush()

    async def flush(self) -> None:
        """Push what stands here now; returns when Redis has it.

        What is added meanwhile waits for the next batch: else a busy worker would push it in crumbs, without an end.
        """
        async with self._one_at_a_time:
            self._hurry.clear()
            position = self.added
            while self.acknowledged < position:
                batch = tuple(islice(self._waiting, BATCH_REQUESTS))
                results = await self._push(batch)
                for result in results:
                    self._pushed(self._waiting.popleft(), result)
                self.acknowledged += len(batch)
            if not self._waiting:
                self._some.clear()
