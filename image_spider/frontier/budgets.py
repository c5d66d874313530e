"""The budgets of hosts as a worker of a fleet sees them: its calls, numbered, and the clock of the server."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from itertools import count
from typing import TYPE_CHECKING

from image_spider.broker.hosts import HOSTS_LIMIT
from image_spider.broker.records import Leased, Terms
from image_spider.parts import parts
from image_spider.politeness.asks import Ask, Grant, Granted, Told
from image_spider.politeness.clock import RemoteClock
from image_spider.politeness.turn import Turn

if TYPE_CHECKING:
    from image_spider.broker.hosts import Hosts
    from image_spider.politeness.host_state import HostState


class FleetBudgets:
    """Asks Redis, for ever if need be: what waits for a turn waits for Redis too."""

    def __init__(self, *, hosts: Hosts, worker: Callable[[], str]) -> None:
        self._hosts = hosts
        self.worker = worker  # its name now
        self.clock = RemoteClock()
        self._calls = count(1)

    def turn_of(self, leased: Leased) -> Turn | None:
        """Return the turn with which a lease came; None: it has none, and no place."""
        if leased.terms is Terms.NONE:
            return None
        moment = self.moment(leased.at) if leased.terms is Terms.TIMED else None
        return Turn(leased.host, moment, timed=leased.terms is not Terms.LATE, down=leased.terms is Terms.DOWN)

    def now(self) -> float:
        """Return the server's time, Unix seconds."""
        return self.clock.now()

    def moment(self, at: float) -> float:
        """Return the time.monotonic() of a time of the server's."""
        return self.clock.moment(at)

    async def ask(self, asks: Sequence[Ask]) -> Granted:
        """Ask for turns and places; one call at a time."""
        grants: list[Grant] = []
        for some in parts(asks, HOSTS_LIMIT):
            sent = time.monotonic()
            turns = await self._hosts.turns(worker=self.worker(), call=next(self._calls), asks=some)
            self.clock.note(sent=sent, received=time.monotonic(), server=turns.at)
            if not turns.alive:
                return Granted(alive=False)
            grants += turns.grants
        return Granted(alive=True, grants=tuple(grants))

    async def tell(self, host: str, *, known: int, state: HostState | None) -> tuple[bool, Told]:
        """Write a state if the version is still the known one."""
        return await self._hosts.tell(host, known=known, state=state, now=self.now())

    async def told(self, hosts: Sequence[str]) -> Mapping[str, Told]:
        """Return what is told of these hosts."""
        return await self._hosts.told(hosts)

    async def changes(self, since: int) -> Mapping[str, int]:
        """Return the hosts of which something was told after a version."""
        return await self._hosts.changes(since)
