"""A proxy of the pool, with what this process knows of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from weakref import WeakSet

from image_spider.proxies.proxy import Proxy
from image_spider.proxies.tally import Rating, Tally


class Outcome(StrEnum):
    """What a request through a proxy came to."""

    OK = "ok"
    BANNED = "banned"  # by the host
    FAILED = "failed"  # the proxy did not do its work
    UNSURE = "unsure"  # no answer: the fault of the proxy or of the host
    UNWELL = "unwell"  # 503, or a body that is spoilt: of the proxy or of the host; it counts for the rating alone
    ASTRAY = "astray"  # 502, 504: the same, and another proxy is tried when the host has just answered one
    NOTHING = "nothing"  # it was given up before it could tell


@dataclass(eq=False, slots=True, weakref_slot=True)
class Attempt:
    """One request through one proxy, from its choice to its end."""

    proxy: Proxy
    host: str
    started: float  # by the pool's clock


@dataclass(eq=False, slots=True)
class Member:
    """A proxy, its rating and what runs through it.

    Requests under way are held weakly: one that is dropped somewhere on its way does not count for ever.
    """

    proxy: Proxy
    rating: Rating = field(default_factory=Rating)
    known: Tally = field(default_factory=Tally)  # over the whole fleet, as far as it is known here
    running: WeakSet[Attempt] = field(default_factory=WeakSet)
    chosen: int = 0  # number of the choice that took it last
    failures: int = 0  # in a row
    proven: float = 0.0  # end of the ban after which it has worked again
    last_used: float = 0.0

    def count(self, tally: Tally) -> None:
        """Count what happened here."""
        self.known += tally
        self.rating = self.rating.after(tally)

    def learn(self, total: Tally, unsent: Tally) -> None:
        """Take over the fleet's total, without what this process has counted and not told yet."""
        self.rating = self.rating.after(total + unsent - self.known)
        self.known = total + unsent


def kept(before: Mapping[str, Member], proxies: tuple[Proxy, ...]) -> dict[str, Member]:
    """Return the members of these proxies; those that were there keep what is known of them."""
    members = {}
    for proxy in proxies:
        member = before.get(proxy.name) or Member(proxy)
        member.proxy = proxy  # it may have another password
        members[proxy.name] = member
    return members
