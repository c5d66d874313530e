"""What this process knows of hosts: its own observations, and what is told of them."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Any

from image_spider.frontier.waiting import happened
from image_spider.politeness import breaker, pace
from image_spider.politeness.asks import BudgetKeeper, Told
from image_spider.politeness.events import event_of, words_for
from image_spider.politeness.host_state import HostState, Observation, worth_telling
from image_spider.politeness.rules import Rules
from image_spider.recent import Recent

logger = logging.getLogger(__name__)

HOSTS = 10_000  # that are remembered; of one that is forgotten, what is told counts
LOOK_SECONDS = 1.0  # until this worker hears what others tell of a host that it knows
TRIES = 4  # of a write that others get ahead of
NOTHING = Told()


class HostStates:
    """Applies the policy to what requests came to, and tells the others what they should know.

    Most answers change nothing that others should hear of: a host that is well costs no call. What two workers see at
    the same time is written by one; the other one applies its observation to what the first has written.
    """

    def __init__(
        self,
        *,
        keeper: BudgetKeeper,
        rules: Rules,
        run: Callable[[Coroutine[Any, Any, object]], object],
        count: Callable[[str], object] = lambda _: None,
    ) -> None:
        self._keeper = keeper
        self._rules = rules
        self._run = run  # in the background; should it fail, the crawl ends
        self._count = count  # in the stats
        self._fresh = pace.fresh(rules)
        self._states: Recent[str, HostState] = Recent(limit=HOSTS)
        self._told: Recent[str, Told] = Recent(limit=HOSTS)
        self._floors: Recent[str, float] = Recent(limit=HOSTS)  # what this process has read in robots.txt
        self._news: dict[str, Callable[[HostState], HostState]] = {}  # host -> its last change, to be told
        self._outdated: set[str] = set()
        self._seen = 0  # the version of the last change that was heard of
        self._task: object | None = None
        self._changed = asyncio.Event()
        self._listener: Callable[[str], None] = lambda _: None

    def listen(self, listener: Callable[[str], None]) -> None:
        """Call somebody with each host whose state has changed for more than this process's own statistics."""
        self._listener = listener

    def state(self, host: str) -> HostState:
        """Return what is known of a host."""
        return self._states.get(host) or self._fresh

    def is_down(self, host: str) -> bool:
        """Tell whether requests to the host must fail at once."""
        state = self._states.get(host)
        return state is not None and breaker.is_down(state, self._keeper.now())

    def observe(self, host: str, observation: Observation) -> None:
        """Take note of what a request came to."""
        now = self._keeper.now()
        self.change(host, lambda state: pace.after(state, observation, now=now, rules=self._rules))

    def set_floor(self, host: str, seconds: float) -> None:
        """Take note of the seconds between two requests that a host's robots.txt asks for; 0: for none."""
        self._floors[host] = seconds
        self.change(host, lambda state: pace.with_floor(state, seconds, rules=self._rules))

    def change(self, host: str, change: Callable[[HostState], HostState]) -> None:
        """Apply a change, and tell the others when it is worth it."""
        before = self.state(host)
        state = change(before)
        if state is before:
            return
        self._states[host] = state
        if event := event_of(before, state):
            self._count(f"hosts/{event}")
            logger.info("%s", words_for(host, event, state, now=self._keeper.now()))
        if worth_telling(self._told_state(host), state):
            self._news[host] = change
            self._changed.set()
            self._listener(host)
        self._start()

    def heard(self, host: str, version: int) -> None:
        """Learn the version of what is told of a host: if it is another one, ask for it."""
        if version != self._told.get(host, NOTHING).version and host not in self._news:
            self._outdated.add(host)
            self._changed.set()
            self._start()

    def _told_state(self, host: str) -> HostState:
        return self._told.get(host, NOTHING).state or self._fresh

    # In the background

    def _start(self) -> None:
        if self._task is None:
            self._task = self._run(self._exchange())

    async def _exchange(self) -> None:
        next_look = time.monotonic() + LOOK_SECONDS
        while True:
            await happened(self._changed, max(0.0, next_look - time.monotonic()))
            if time.monotonic() >= next_look:
                await self._look()
                next_look = time.monotonic() + LOOK_SECONDS
            self._changed.clear()
            if self._outdated:
                hosts, self._outdated = list(self._outdated), set()
                await self._hear(hosts)
            for host in tuple(self._news):
                await self._tell(host, self._news.pop(host))

    async def _look(self) -> None:
        """Ask for what others have told since the last look."""
        for host, version in (await self._keeper.changes(self._seen)).items():
            self._seen = max(self._seen, version)
            if host in self._states:
                self.heard(host, version)

    async def _hear(self, hosts: list[str]) -> None:
        for host, told in (await self._keeper.told(hosts)).items():
            if told.version != self._told.get(host, NOTHING).version:
                self._adopt(host, told)

    async def _tell(self, host: str, change: Callable[[HostState], HostState]) -> None:
        for _ in range(TRIES):
            state = self.state(host)
            if not worth_telling(self._told_state(host), state):
                return
            known = self._told.get(host, NOTHING)
            usual = not worth_telling(self._fresh, state)
            written, told = await self._keeper.tell(host, known=known.version, state=None if usual else state)
            if written:
                self._told[host] = told
                return
            self._adopt(host, told)
            self._states[host] = change(self.state(host))
        self._count("hosts/told_later")
        self._news.setdefault(host, change)  # within a second

    def _adopt(self, host: str, told: Told) -> None:
        """Believe what is told; how long the host takes to answer, this process knows from itself if nobody tells.

        What it has read in robots.txt it tells again: a failover may have lost it, and it is read anew after a day.
        """
        mine = self.state(host)
        state = told.state or replace(self._fresh, latency=mine.latency, usual=mine.usual)
        self._told[host] = told
        floor = self._floors.get(host, 0.0)
        if floor > state.floor:
            state = pace.with_floor(state, floor, rules=self._rules)
            self._news.setdefault(host, lambda adopted: pace.with_floor(adopted, floor, rules=self._rules))
            self._changed.set()
        self._states[host] = state
        self._listener(host)
