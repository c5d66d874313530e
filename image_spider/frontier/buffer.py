"""Leased requests that wait to be handed out, refilled ahead of need."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence

from image_spider.broker.records import Leased, Leases
from image_spider.frontier.waiting import happened

MOST = 256  # leases held ahead
GATHER_SECONDS = 0.001  # reasons to ask that come together are one
SHORTEST_SECONDS, LONGEST_SECONDS = 0.02, 0.5  # between two calls that bring nothing

LeaseCall = Callable[[int], Awaitable[Leases]]


class LeaseBuffer:
    """A deque that a task refills.

    With a delay per host, a lease is given out when its host's time has come and must not grow old here: the buffer
    asks for what the downloader can start now. Without one it looks ahead, and further each time it runs dry while
    there is more to have: that is how it comes to cover the round trip to a distant Redis.
    """

    def __init__(
        self,
        *,
        lease: LeaseCall,
        prepare: Callable[[Sequence[Leased]], Awaitable[Sequence[Leased]]],
        free: Callable[[], int],
        hungry: Callable[[], bool],
        look_ahead: int,
        arrived: Callable[[], None],
    ) -> None:
        self._lease = lease
        self._prepare = prepare  # what must be known before a request is handed out
        self._free = free  # requests that the downloader can start now
        self._hungry = hungry  # whether more are wanted at all
        self._ahead = look_ahead
        self._arrived = arrived
        self._leased: deque[Leased] = deque()
        self._changed = asyncio.Event()
        self._more = False
        self._in_vain = False  # the last call brought nothing, and told when the next host is due
        self.open = True

    def __len__(self) -> int:
        """Return how many requests wait here."""
        return len(self._leased)

    def pop(self) -> Leased | None:
        """Take the next one; None when there is none, which is a reason to hurry.

        But not with a delay, when hosts are not due: the engine asks after each image.
        """
        if self._leased:
            leased = self._leased.popleft()
            if len(self._leased) <= self._ahead // 2:
                self._changed.set()
            return leased
        if self._more and self._ahead:
            self._ahead = min(MOST, 2 * self._ahead)
        self._more = False
        if self._ahead or not self._in_vain:
            self._changed.set()
        return None

    def wake(self) -> None:
        """Ask again now: something was pushed or finished, or there is room."""
        self._in_vain = False
        self._changed.set()

    def take_out(self, crawl_id: str | None) -> list[Leased]:
        """Remove and return the requests of a crawl, or of all."""
        out = [leased for leased in self._leased if crawl_id in (None, leased.crawl)]
        self._leased = deque(leased for leased in self._leased if crawl_id not in (None, leased.crawl))
        return out

    async def run(self) -> None:
        """Refill until cancelled."""
        pause = SHORTEST_SECONDS
        while True:
            count = self._wanted()
            if not count:
                await self._sleep(LONGEST_SECONDS)
                continue
            answer = await self._lease(count)
            self._more = len(answer.leases) >= count
            self._in_vain = not answer.leases
            if answer.leases:
                pause = SHORTEST_SECONDS
                self._leased.extend(await self._prepare(answer.leases))
                self._arrived()
                continue
            due = LONGEST_SECONDS if answer.wait_ms is None else max(SHORTEST_SECONDS, answer.wait_ms / 1000)
            woken = await self._sleep(min(due, pause))
            pause = SHORTEST_SECONDS if woken else min(LONGEST_SECONDS, 2 * pause)

    def _wanted(self) -> int:
        if not self.open or not self._hungry():
            return 0
        if not self._ahead:
            return max(0, self._free() - len(self._leased))
        return min(MOST, self._ahead - len(self._leased)) if len(self._leased) <= self._ahead // 2 else 0

    async def _sleep(self, seconds: float) -> bool:
        """Wait for a reason to ask again; tell whether one came."""
        woken = await happened(self._changed, seconds)
        if woken:
            await asyncio.sleep(GATHER_SECONDS)
            self._changed.clear()
        return woken
