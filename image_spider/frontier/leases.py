"""Leases in hand: when the engine has let a request go, its lease is finished or given back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from image_spider.broker.records import Finish, Leased, Nack

if TYPE_CHECKING:
    from scrapy import Request


@dataclass(slots=True, kw_only=True)
class Held:
    """A lease whose request is with the engine, or was: `position` is then that of the outbox at that moment."""

    leased: Leased
    counters: Counter[str] = field(default_factory=Counter)
    nack: Nack | None = None
    position: int = 0


class HeldLeases:
    """Every lease that was handed to the engine and is not given up yet.

    The engine's set of requests in progress is the one place that tells when a request's callback is exhausted AND
    the pipelines have returned its items; there is no signal for it.
    """

    def __init__(self, *, in_progress: Callable[[], Iterable[Request]], position: Callable[[], int]) -> None:
        self._in_progress = in_progress
        self._position = position
        self._with_engine: dict[Request, Held] = {}
        self._left: list[Held] = []
        self._nacks: list[Nack] = []
        self._answered: list[Leased] = []

    def __len__(self) -> int:
        """Return how many leases are held."""
        return len(self._with_engine) + len(self._left) + len(self._nacks)

    def add(self, request: Request, leased: Leased) -> None:
        """Remember a lease whose request is about to be handed out."""
        self._with_engine[request] = Held(leased=leased)

    def forget(self) -> None:
        """Drop all leases: this worker was declared dead, and others have them now."""
        self._with_engine.clear()
        self._left.clear()
        self._nacks.clear()
        self._answered.clear()

    def count(self, request: Request | None, name: str, number: int = 1) -> None:
        """Add to a counter that its crawl gets when the request is finished."""
        if request is not None and (held := self._with_engine.get(request)):
            held.counters[name] += number

    def give_back(self, request: Request | None, cause: str, *, attempted: bool, seconds: float = 0.0) -> None:
        """Let a request go back to the queue for so long when the engine lets it go; the first cause counts."""
        if request is not None and (held := self._with_engine.get(request)) and not held.nack:
            lease, wait = held.leased, int(1000 * seconds)
            held.nack = Nack(id=lease.id, token=lease.token, cause=cause, delay_ms=wait, attempted=attempted)

    def give_back_all(self, cause: str) -> None:
        """Let every request go back to the queue when the engine lets it go."""
        for request in self._with_engine:
            self.give_back(request, cause, attempted=False)

    def add_nack(self, nack: Nack) -> None:
        """Give back a lease that was never handed out."""
        self._nacks.append(nack)

    @property
    def with_engine(self) -> int:
        """How many requests the engine had at the last look: being downloaded, or read, or waiting for their images."""
        return len(self._with_engine)

    @property
    def waiting(self) -> bool:
        """Whether the engine has let requests go whose links Redis does not have yet."""
        return bool(self._left)

    def answer(self, request: Request) -> bool:
        """Note that the server has answered a request; tell whether it is one of these."""
        held = self._with_engine.get(request)
        if held and held.leased.has_place:
            self._answered.append(held.leased)
        return held is not None

    def take_answered(self) -> list[Leased]:
        """Return the leases whose servers have answered since the last call."""
        answered, self._answered = self._answered, []
        return answered

    def settled(self, acknowledged: int) -> tuple[list[Finish], list[Nack]]:
        """Return what can be finished and given back: the engine let it go, and Redis has the links that it gave.

        They are held until `released` is called for them: should that call fail, they come again.
        """
        in_progress = set(self._in_progress())
        for request in [request for request in self._with_engine if request not in in_progress]:
            held = self._with_engine.pop(request)
            held.position = self._position()
            self._left.append(held)
        ready = [held for held in self._left if held.position <= acknowledged]
        finishes = [
            Finish(id=held.leased.id, token=held.leased.token, counters=dict(held.counters))
            for held in ready
            if not held.nack
        ]
        return finishes, [*self._nacks, *(held.nack for held in ready if held.nack)]

    def released(self, finishes: Iterable[Finish], nacks: Iterable[Nack]) -> None:
        """Forget leases that Redis has taken back."""
        gone = {(done.id, done.token) for done in finishes} | {(nack.id, nack.token) for nack in nacks}
        self._left = [held for held in self._left if (held.leased.id, held.leased.token) not in gone]
        self._nacks = [nack for nack in self._nacks if (nack.id, nack.token) not in gone]
