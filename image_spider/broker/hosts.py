"""The budgets of hosts: turns and places for what does not come as a lease, and what the fleet knows of each host."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from image_spider.broker.client import Client
from image_spider.broker.frontier import FrontierOptions, pairs
from image_spider.politeness.asks import Ask, Grant, Told
from image_spider.politeness.breaker import is_down
from image_spider.politeness.host_state import HostState
from image_spider.politeness.spacing import spaced

HOSTS_LIMIT = 500  # of one call; a script is atomic, so its length is everybody's latency


@dataclass(frozen=True, slots=True, kw_only=True)
class Turns:
    """The answer to one call for turns; `at` is the server's time, Unix seconds."""

    alive: bool
    at: float
    grants: tuple[Grant, ...]


class Hosts:
    """The hosts of one frontier, as lua/turns.lua, lua/set_pace.lua and lua/lease.lua keep them.

    A worker numbers its calls for turns 1, 2, 3 ... and has one under way at a time, as with leases: a call that is
    repeated after a lost reply gets the same turns, and one that arrives late gets none.
    """

    def __init__(self, *, client: Client, options: FrontierOptions, delay: float, places: int) -> None:
        self._client = client
        self._name = options.name
        self._usual = (f"{1000 * spaced(delay):.3f}", places)

    async def turns(self, *, worker: str, call: int, asks: Sequence[Ask]) -> Turns:
        """Take turns and places at up to HOSTS_LIMIT hosts, and give places back."""
        if len(asks) > HOSTS_LIMIT:
            raise ValueError(f"{len(asks)} hosts in one call; at most {HOSTS_LIMIT}, for all wait meanwhile")
        words = [word for ask in asks for word in (ask.host, ask.turns, ask.held, ask.more, int(ask.seated))]
        alive, at, reply = await self._client.script("turns", self._name, worker, call, *self._usual, *words)
        lines = reply.decode().split("\n") if reply else []
        grants = tuple(_grant(ask.host, line) for ask, line in zip(asks, lines, strict=False))
        return Turns(alive=bool(alive), at=at / 1e6, grants=grants)

    async def tell(self, host: str, *, known: int, state: HostState | None, now: float) -> tuple[bool, Told]:
        """Write what is known of a host (None: as the settings say), unless its version is not the known one any more.

        `now` is the server's time. Returns whether it was written, and what is told now.
        """
        words: tuple[object, ...] = (0, 0, 0, 0, 0, "")
        if state:
            delay_ms, closed_ms = f"{1000 * spaced(state.delay):.3f}", f"{1000 * state.closed_until:.0f}"
            words = (1, delay_ms, state.places, closed_ms, int(is_down(state, now)), state.to_text())
        written, version, text = await self._client.script("set_pace", self._name, host, known, *words)
        return bool(written), _told(int(version), text)

    async def told(self, hosts: Sequence[str]) -> Mapping[str, Told]:
        """Return what is told of these hosts."""
        if not hosts:
            return {}
        values = await self._client.command("HMGET", f"{self._name}:pace", *hosts)
        return {host: _read(value) for host, value in zip(hosts, values, strict=True)}

    async def changes(self, since: int) -> Mapping[str, int]:
        """Return the hosts of which something was told after a version, the latest 10,000."""
        words = (f"({since}", "+inf", "WITHSCORES")
        found = await self._client.command("ZRANGEBYSCORE", f"{self._name}:paces", *words)
        rows = found if found and isinstance(found[0], list | tuple) else pairs(found)
        return {host.decode(): int(float(version)) for host, version in rows}

    async def all(self) -> Mapping[str, HostState]:
        """Return every host of which something is told."""
        found = await self._client.command("HGETALL", f"{self._name}:pace")
        rows = found.items() if isinstance(found, dict) else pairs(found)
        told = {host.decode(): _read(value).state for host, value in rows}
        return {host: state for host, state in told.items() if state}


def _grant(host: str, line: str) -> Grant:
    turns, first, delay, places, wait, others, version = line.split(" ")
    return Grant(
        host=host,
        turns=int(turns),
        first=float(first) / 1000,
        delay=float(delay) / 1000,
        places=int(places),
        wait=int(wait) / 1000,
        others=int(others),
        version=int(version),
    )


def _read(value: bytes | None) -> Told:
    """Read a value of F:pace: version, delay, places, closed until, down, state."""
    if value is None:
        return Told()
    version, _, _, _, _, text = value.split(b" ", 5)
    return _told(int(version), text)


def _told(version: int, text: bytes) -> Told:
    """A state that this version cannot read counts as none, but keeps its version: the next write replaces it."""
    try:
        state = HostState.from_text(text.decode()) if text else None
    except (ValueError, TypeError, KeyError):
        state = None
    return Told(version=version, state=state)
