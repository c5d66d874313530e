"""The scheduler of a local run: Scrapy's own, and requests that wait for their time."""

from __future__ import annotations

import asyncio
import heapq
import time
from itertools import count
from typing import TYPE_CHECKING, Any

from scrapy.core.scheduler import Scheduler

from image_spider.delayed import take_delay
from image_spider.frontier.engine import Engine
from image_spider.proxies.traces import without_proxy

if TYPE_CHECKING:
    from scrapy import Request
    from twisted.internet.defer import Deferred


class DelayingScheduler(Scheduler):
    """Keeps a request with meta["delay_seconds"] aside for so long; it takes no place of the downloader meanwhile.

    What waits when a run ends in order goes to the queue on disk with the others, and is due when the run goes on.
    After a kill a run starts over (extensions/job_directory.py), for these requests as for any other.
    """

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._waiting: list[tuple[float, int, Request]] = []  # a heap: time.monotonic() when due, number, request
        self._numbers = count()
        self._alarm: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        """Return how many requests are queued or wait."""
        return super().__len__() + len(self._waiting)

    def enqueue_request(self, request: Request) -> bool:
        """Queue a request, or let it wait; tell whether it was new."""
        without_proxy(request)
        seconds = take_delay(request)
        if not seconds:
            return super().enqueue_request(request)
        if not request.dont_filter and self.df.request_seen(request):
            self.df.log(request, self.spider)
            return False
        heapq.heappush(self._waiting, (time.monotonic() + seconds, next(self._numbers), request))
        assert self.stats is not None
        self.stats.inc_value("scheduler/delayed")
        self._set_alarm()
        return True

    def next_request(self) -> Request | None:
        """Return the next request whose time has come, or None."""
        self._release(time.monotonic())
        return super().next_request()

    def close(self, reason: str) -> Deferred[None] | None:
        """Put what waits with the others, to be found on disk by the next run."""
        self._release(float("inf"))
        if self._alarm:
            self._alarm.cancel()
        return super().close(reason)

    def _release(self, now: float) -> None:
        """Queue what is due: it was checked by the filter when it came."""
        assert self.stats is not None
        while self._waiting and self._waiting[0][0] <= now:
            request = heapq.heappop(self._waiting)[2]
            on_disk = self._dqpush(request)
            if not on_disk:
                self._mqpush(request)
            self.stats.inc_value(f"scheduler/enqueued/{'disk' if on_disk else 'memory'}")
            self.stats.inc_value("scheduler/enqueued")

    def _set_alarm(self) -> None:
        """Wake the engine when the first request is due: it looks by itself every five seconds alone."""
        if self._alarm:
            self._alarm.cancel()
        self._alarm = None
        if self._waiting:
            seconds = max(0.0, self._waiting[0][0] - time.monotonic())
            self._alarm = asyncio.get_running_loop().call_later(seconds, self._ring)

    def _ring(self) -> None:
        assert self.crawler
        self._release(time.monotonic())
        self._set_alarm()
        Engine(self.crawler).wake()
