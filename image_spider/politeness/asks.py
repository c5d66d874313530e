"""What a process asks of who keeps the hosts' budgets, and what it is told: frozen records, no I/O."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from image_spider.politeness.host_state import HostState


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """What a process wants of one host."""

    host: str
    turns: int  # moments at which one request each may be sent
    held: int  # places that it has and keeps; others that it had are given back
    more: int = 0  # further places
    seated: bool = False  # a request that has a place already waits for its turn


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """What it got. Turns are `first`, `first + delay` ... in Unix seconds by the keeper's clock."""

    host: str
    turns: int
    first: float
    delay: float  # seconds between two turns; 0: none are needed
    places: int  # beside those that it held
    wait: float  # seconds until asking again makes sense; 0: at any time
    others: int  # other processes that wait for a place
    version: int  # of what is told of the host; 0: nothing is


@dataclass(frozen=True, slots=True, kw_only=True)
class Granted:
    """The answer to one call."""

    alive: bool  # False: this worker is not counted as alive, and has no places any more
    grants: tuple[Grant, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What is told of a host: a state that differs from the settings', or None; version 0 stands for None."""

    version: int = 0
    state: HostState | None = None


class BudgetKeeper(Protocol):
    """Gives out turns and places, and keeps what is told of hosts: Redis for a fleet, memory for a local run."""

    async def ask(self, asks: Sequence[Ask]) -> Granted:
        """Ask for several hosts at once; one call at a time."""

    async def tell(self, host: str, *, known: int, state: HostState | None) -> tuple[bool, Told]:
        """Write a state (None: as the settings say) if the version is still the known one; return what is told now."""

    async def told(self, hosts: Sequence[str]) -> Mapping[str, Told]:
        """Return what is told of these hosts."""

    async def changes(self, since: int) -> Mapping[str, int]:
        """Return the hosts of which something was told after a version, and the versions."""

    def now(self) -> float:
        """Return Unix seconds by the keeper's clock."""

    def moment(self, at: float) -> float:
        """Return the time.monotonic() of a time by the keeper's clock."""
