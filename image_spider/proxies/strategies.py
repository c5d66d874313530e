"""Which of the proxies that may be used is taken."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Iterable, Sequence
from typing import Literal

from image_spider.proxies.member import Member
from image_spider.proxies.tally import LEAST_SECONDS

Strategy = Literal["round_robin", "random", "weighted", "least_connections"]


def choose(strategy: Strategy, members: Sequence[Member], dice: random.Random) -> Member:
    """Take one of the members, of which there is at least one."""
    return _STRATEGIES[strategy](members, dice)


def sticky(host: str, names: Iterable[str], *, period: int) -> str:
    """Return the proxy of a host, the same in every worker; `names` must not be empty.

    Rendezvous hashing (Thaler, Ravishankar 1998): a proxy that goes takes only its own hosts along, and no two workers
    need to speak.
    """
    return max(names, key=lambda name: (_digest(f"{host} {name} {period}"), name))


def sticky_period(host: str, *, now: float, seconds: float) -> int:
    """Return the number of the period of so many seconds that a host is in: hosts change theirs at different times."""
    return int((now + _digest(host) % max(1, round(seconds))) / seconds)


def _digest(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest())


def _round_robin(members: Sequence[Member], dice: random.Random) -> Member:
    del dice
    return min(members, key=lambda one: one.chosen)


def _random(members: Sequence[Member], dice: random.Random) -> Member:
    return dice.choice(members)


def _weighted(members: Sequence[Member], dice: random.Random) -> Member:
    known = [one.rating.seconds for one in members if one.rating.seconds]
    otherwise = min(known, default=LEAST_SECONDS)  # an unknown one is worth a try
    weights = [one.rating.weight(running=len(one.running), otherwise=otherwise) for one in members]
    return dice.choices(members, weights)[0]


def _least_connections(members: Sequence[Member], dice: random.Random) -> Member:
    del dice
    return min(members, key=lambda one: (len(one.running), one.chosen))


_STRATEGIES: dict[Strategy, Callable[[Sequence[Member], random.Random], Member]] = {
    "round_robin": _round_robin,
    "random": _random,
    "weighted": _weighted,
    "least_connections": _least_connections,
}
