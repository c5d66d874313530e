"""Waiting that ends when its crawl is halted."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from image_spider.unfinished import Halted

LOOK_SECONDS = 0.2  # between two looks at whether somebody waits for nothing any more


class Pauses:
    """Lets any number of tasks wait, with one task that looks whether they still should."""

    def __init__(self) -> None:
        self._waiting: dict[asyncio.Future[None], Callable[[], str]] = {}
        self._looking: asyncio.Task[None] | None = None

    async def pause(self, seconds: float, halted: Callable[[], str]) -> None:
        """Return after so many seconds; raises Halted as soon as `halted` gives a reason."""
        loop = asyncio.get_running_loop()
        over: asyncio.Future[None] = loop.create_future()
        alarm = loop.call_later(seconds, _finish, over)
        self._waiting[over] = halted
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look())
        try:
            await over
        finally:
            alarm.cancel()
            del self._waiting[over]

    async def _look(self) -> None:
        while self._waiting:
            for over, halted in tuple(self._waiting.items()):
                if not over.done() and (reason := halted()):
                    over.set_exception(Halted(reason))
            await asyncio.sleep(LOOK_SECONDS)


def _finish(over: asyncio.Future[None]) -> None:
    if not over.done():
        over.set_result(None)
