"""Asks for what the lines of a process need, many hosts in one call."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

from image_spider.frontier.waiting import happened
from image_spider.politeness.asks import Ask, BudgetKeeper, Granted
from image_spider.politeness.line import Line
from image_spider.politeness.spacing import spaced
from image_spider.politeness.states import HostStates

SHORTEST_GATHER_SECONDS, LONGEST_GATHER_SECONDS = 0.003, 0.05  # what is wanted in this time is asked for together
LOOK_SECONDS = 0.2  # between two looks whether those that wait still have to: their crawl may be at its end
NOT_ALIVE_SECONDS = 0.2  # until the heartbeat has given a worker another name


class Asker:
    """Keeps a line for each host at which somebody waits or something is held.

    One call is under way at a time; while Redis is away it waits, and the lines with it. `granted` is told of each line
    that has got something, and `look` is called now and then while somebody waits.
    """

    def __init__(
        self,
        *,
        keeper: BudgetKeeper,
        states: HostStates,
        delay: float,
        run: Callable[[Coroutine[Any, Any, object]], object],
        count: Callable[[str], None],
    ) -> None:
        self._keeper = keeper
        self._states = states
        self._delay = delay  # between two turns of a host of which nothing is told
        self._run = run
        self._count = count
        self._gather_seconds = min(LONGEST_GATHER_SECONDS, max(SHORTEST_GATHER_SECONDS, delay / 4))
        self._lines: dict[str, Line] = {}
        self._changed = asyncio.Event()
        self._task: object | None = None
        self._epoch = 0  # of the worker's names
        self.granted: Callable[[Line], None] = lambda _: None
        self.look: Callable[[], None] = lambda: None

    def __iter__(self) -> Iterator[Line]:
        """Yield the lines."""
        return iter(tuple(self._lines.values()))

    def line(self, host: str) -> Line:
        """Return the line of a host."""
        line = self._lines.get(host)
        if line is None:
            line = self._lines[host] = Line(host=host, delay=self._delay)
            self.tell(line)
        return line

    def tell(self, line: Line) -> None:
        """Let a line know what is told of its host."""
        state, closed = self._states.state(line.host), self.closed_for(line.host)
        until = time.monotonic() + closed if closed else 0.0
        line.told(delay=spaced(state.delay), closed=until, most=state.places)

    def known(self, host: str) -> Line | None:
        """Return the line of a host, if there is one."""
        return self._lines.get(host)

    def closed_for(self, host: str) -> float:
        """Return the seconds until a host may be asked again."""
        return max(0.0, self._states.state(host).closed_until - self._keeper.now())

    def wake(self) -> None:
        """Look now what is needed."""
        self._changed.set()
        if self._task is None:
            self._task = self._run(self._ask_for_ever())

    def forget(self) -> None:
        """Be without turns and places: this worker was declared dead."""
        self._epoch += 1
        for line in self:
            line.forget()
        self._changed.set()

    async def _ask_for_ever(self) -> None:
        next_look = 0.0
        while True:
            if time.monotonic() >= next_look and any(map(len, self)):
                next_look = time.monotonic() + LOOK_SECONDS
                self.look()
            asks, look = self._asks()
            if asks:
                epoch = self._epoch
                granted = await self._keeper.ask(asks)
                if epoch == self._epoch:  # else it was granted to the name before, from which it is taken back
                    self._apply(asks, granted)
                continue
            if any(map(len, self)):
                look = min(look, next_look)
            if await happened(self._changed, max(0.001, look - time.monotonic())):
                await asyncio.sleep(self._gather_seconds)
            self._changed.clear()

    def _asks(self) -> tuple[list[Ask], float]:
        now = time.monotonic()
        asks, look = [], now + 60.0
        for line in self:
            ask, again = line.ask(now)
            self._count_lost(line)
            if ask:
                asks.append(ask)
            elif line.unused:
                self._lines.pop(line.host)
            else:
                look = min(look, again)
        return asks, look

    def _apply(self, asks: list[Ask], granted: Granted) -> None:
        now = time.monotonic()
        self._count("politeness/calls")
        if not granted.alive:  # it may yet renew its lease, and has its places still
            for ask in asks:
                self.line(ask.host).not_before = now + NOT_ALIVE_SECONDS
            return
        asked = {ask.host: ask for ask in asks}
        for grant in granted.grants:
            ask, line = asked[grant.host], self.line(grant.host)
            line.granted(ask, grant, self._keeper.moment(grant.first), now)
            self._states.heard(grant.host, grant.version)
            self.granted(line)

    def _count_lost(self, line: Line) -> None:
        for _ in range(line.lost):
            self._count("politeness/turns_lost")
        line.lost = 0
