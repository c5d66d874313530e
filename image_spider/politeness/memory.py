"""The budgets of a local run: one process, in memory. It answers as lua/turns.lua does in a fleet."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

from image_spider.politeness.asks import Ask, Grant, Granted, Told
from image_spider.politeness.host_state import HostState
from image_spider.politeness.spacing import spaced
from image_spider.recent import Recent

HOSTS = 10_000  # whose next allowed times and states are remembered
AGAIN_SECONDS = 0.05  # until a place may be free


class LocalBudgets:
    """Gives turns and places to one process: all that is free, as nobody else wants any."""

    def __init__(self, *, usual: HostState) -> None:
        self._usual = usual
        self._next: Recent[str, float] = Recent(limit=HOSTS)
        self._told: Recent[str, Told] = Recent(limit=HOSTS)
        self._version = 0
        self._ahead = time.time() - time.monotonic()

    def now(self) -> float:
        """Return Unix seconds, by a clock that nobody sets."""
        return time.monotonic() + self._ahead

    def moment(self, at: float) -> float:
        """Return the time.monotonic() of such a time."""
        return at - self._ahead

    async def ask(self, asks: Sequence[Ask]) -> Granted:
        """Grant what each host may give."""
        return Granted(alive=True, grants=tuple(map(self._grant, asks)))

    async def tell(self, host: str, *, known: int, state: HostState | None) -> tuple[bool, Told]:
        """Write a state if the version is still the known one."""
        told = self._told.get(host, Told())
        if told.version != known:
            return False, told
        self._version += 1
        self._told.pop(host, None)
        if state is None:
            return True, Told()
        self._told[host] = Told(version=self._version, state=state)
        if state.delay > (told.state or self._usual).delay:  # what it has just answered counts
            self._next[host] = max(self._next.get(host, 0.0), self.now() + spaced(state.delay))
        return True, self._told[host]

    async def told(self, hosts: Sequence[str]) -> Mapping[str, Told]:
        """Return what is told of these hosts."""
        return {host: self._told.get(host, Told()) for host in hosts}

    async def changes(self, since: int) -> Mapping[str, int]:
        """Return nothing: there are no others who change anything."""
        del since
        return {}

    def _grant(self, ask: Ask) -> Grant:
        told = self._told.get(ask.host, Told())
        state = told.state or self._usual
        now, delay = self.now(), spaced(state.delay)
        closed = max(0.0, state.closed_until - now)
        places = min(ask.more, max(0, state.places - ask.held))
        first, turns = max(now, self._next.get(ask.host, 0.0)), 0
        if ask.turns and delay and not closed and (ask.held + places or ask.seated):
            turns = ask.turns
            self._next[ask.host] = first + turns * delay
        wait = closed or (AGAIN_SECONDS if ask.more and not ask.held + places else 0.0)
        return Grant(
            host=ask.host,
            turns=turns,
            first=first,
            delay=delay,
            places=places,
            wait=wait,
            others=0,
            version=told.version,
        )
