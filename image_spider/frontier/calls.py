"""A worker's push and lease calls, numbered: Redis knows a call that it has answered already."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from itertools import count
from typing import TYPE_CHECKING

from image_spider.broker.records import Leases, Push, Pushed

if TYPE_CHECKING:
    from image_spider.broker.frontier import Frontier
    from image_spider.config import Config


class Calls:
    """One push call and one lease call at a time, as the broker asks for."""

    def __init__(self, *, requests: Frontier, worker: Callable[[], str], settings: Config) -> None:
        self._requests = requests
        self._worker = worker
        self._delay_ms = round(settings.HOST_DELAY_SECONDS * 1000)
        self._concurrency = settings.HOST_CONCURRENCY
        self._pushes = count(1)
        self._leases = count(1)
        self._pushing = asyncio.Lock()

    async def push(self, requests: Sequence[Push], *, batch: str = "") -> Sequence[Pushed]:
        """Push requests. A batch of start URLs is pushed once, and lets a crawl that has finished run again."""
        async with self._pushing:
            return await self._requests.push(
                worker=self._worker(),
                call=next(self._pushes),
                requests=requests,
                reopen=bool(batch),
                batch=batch,
            )

    async def lease(self, count: int) -> Leases:
        """Lease up to so many requests."""
        return await self._requests.lease(
            worker=self._worker(),
            call=next(self._leases),
            count=count,
            host_delay_ms=self._delay_ms,
            host_concurrency=self._concurrency,
        )
