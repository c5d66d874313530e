"""Which of the proxies that may be used is taken."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from image_spider.proxies.tally import LEAST_SECONDS, Rating

Strategy = Literal["round_robin", "random", "weighted", "least_connections"]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A proxy that may be used: its name, the number of the choice that took it last, its requests under way."""

    name: str
    rating: Rating
    chosen: int
    running: int


def choose(strategy: Strategy, candidates: Sequence[Candidate], dice: random.Random) -> Candidate:
    """Take one of at least one candidates."""
    return _STRATEGIES[strategy](candidates, dice)


def sticky(host: str, names: Iterable[str], *, now: float, seconds: float) -> str:
    """Return the proxy of a host, the same in every worker, for so many seconds; then the host moves on.

    Rendezvous hashing (Thaler, Ravishankar 1998): a proxy that goes takes only its own hosts along, and no two workers
    need to speak. Hosts move at different times. `names` must not be empty.
    """
    period = int((now + _digest(host) % max(1, round(seconds))) / seconds)
    return max(names, key=lambda name: (_digest(f"{host} {name} {period}"), name))


def _digest(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest())


def _round_robin(candidates: Sequence[Candidate], dice: random.Random) -> Candidate:
    del dice
    return min(candidates, key=lambda one: one.chosen)


def _random(candidates: Sequence[Candidate], dice: random.Random) -> Candidate:
    return dice.choice(candidates)


def _weighted(candidates: Sequence[Candidate], dice: random.Random) -> Candidate:
    known = [one.rating.seconds for one in candidates if one.rating.seconds]
    otherwise = min(known, default=LEAST_SECONDS)  # an unknown one is worth a try
    return dice.choices(candidates, [one.rating.weight(otherwise=otherwise) for one in candidates])[0]


def _least_connections(candidates: Sequence[Candidate], dice: random.Random) -> Candidate:
    del dice
    return min(candidates, key=lambda one: (one.running, one.chosen))


_STRATEGIES: dict[Strategy, Callable[[Sequence[Candidate], random.Random], Candidate]] = {
    "round_robin": _round_robin,
    "random": _random,
    "weighted": _weighted,
    "least_connections": _least_connections,
}
