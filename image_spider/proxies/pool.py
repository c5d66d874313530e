"""The pool: it chooses a proxy for each request and learns from what becomes of it. No I/O, no waiting."""

from __future__ import annotations

import random
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from itertools import count

from image_spider.proxies.ban_book import BanBook
from image_spider.proxies.bans import EVERYWHERE, Ban, BanRules
from image_spider.proxies.changes import News, Pending
from image_spider.proxies.host_book import HostBook
from image_spider.proxies.member import Attempt, Member, Outcome, kept
from image_spider.proxies.proxy import Proxy
from image_spider.proxies.strategies import Strategy, choose, sticky, sticky_period
from image_spider.proxies.tally import Tally

LOOKED_AT = 20  # proxies per choice: of a larger pool a random part, as a look at thousands costs milliseconds
STICKY = 10_000  # hosts whose proxy is remembered instead of computed


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolRules:
    """How proxies are chosen, and when one rests."""

    strategy: Strategy
    sticky_seconds: float  # 0: a host may be asked through all of them
    failures: int  # in a row, until a proxy rests for all hosts
    bans: BanRules


class Pool:
    """Proxies, what is known of them, and which of them may be used for a host."""

    def __init__(
        self,
        *,
        rules: PoolRules,
        clock: Callable[[], float],
        dice: random.Random | None = None,
        banned: Callable[[str, str, Ban], None] | None = None,
    ) -> None:
        self.rules = rules
        self._clock = clock
        self._dice = dice or random.Random()  # noqa: S311
        self._members: dict[str, Member] = {}
        self._bans = BanBook(rules=rules.bans, clock=clock, banned=banned)
        self._hosts = HostBook(clock=clock)
        self._sticky: dict[str, tuple[str, int]] = {}  # host -> proxy, period
        self._choices = count(1)

    # Who is in it

    def set_proxies(self, proxies: Iterable[Proxy]) -> None:
        """Let these be the proxies from now on; what is known of those that stay is kept."""
        self._members = kept(self._members, tuple(proxies))
        self._sticky.clear()

    @property
    def proxies(self) -> tuple[Proxy, ...]:
        """Return the proxies."""
        return tuple(member.proxy for member in self._members.values())

    def known(self, name: str) -> Tally:
        """Return the counts of a proxy, over the whole fleet as far as they are known here."""
        return self._members[name].known

    # For each request

    def begin(self, host: str, *, avoid: Collection[str] = ()) -> Attempt | None:
        """Choose a proxy for a request to a host; None when none may be used now.

        One of `avoid` is taken only when there is no other.
        """
        member = self._of_host(host, avoid) if self.rules.sticky_seconds else self._any(host, avoid)
        if member is None:
            return None
        attempt = Attempt(member.proxy, host, self._clock())
        member.chosen, member.last_used = next(self._choices), attempt.started
        member.running.add(attempt)
        return attempt

    def admitted(self, name: str, host: str) -> Proxy | None:
        """Return a chosen proxy while it is one of the pool and not banned: a request may have waited since."""
        member = self._members.get(name)
        return member.proxy if member and not self._bans.is_banned(name, host) else None

    def end(self, attempt: Attempt, outcome: Outcome, *, seconds: float = 0.0, reason: str = "") -> bool:
        """Learn from what became of a request; tell whether another proxy should be tried."""
        name, host = attempt.proxy.name, attempt.host
        member = self._members.get(name)
        if member is None:  # removed meanwhile
            return outcome in {Outcome.BANNED, Outcome.FAILED, Outcome.UNSURE}
        member.running.discard(attempt)
        if outcome is Outcome.UNSURE:
            if not self._hosts.answered_others(host, name, since=attempt.started):
                return False
            outcome = Outcome.FAILED
        if outcome is Outcome.OK:
            self._works(member, attempt)
            self._count(member, host, Tally(ok=1, ms=round(seconds * 1000)))
        elif outcome is Outcome.BANNED:
            self._count(member, host, Tally(banned=1))
            self._bans.ban(name, host, reason)
        elif outcome is Outcome.FAILED:
            self._count(member, host, Tally(failed=1))
            self._fails(member, attempt, reason)
        elif outcome in {Outcome.UNWELL, Outcome.ASTRAY}:
            self._count(member, host, Tally(failed=1))
        if outcome is Outcome.ASTRAY:
            return self._hosts.answered_others(host, name, since=attempt.started)
        return outcome in {Outcome.BANNED, Outcome.FAILED}

    def blame(self, host: str, names: Iterable[str], *, instead: str) -> None:
        """Count a failure of proxies through which a request had no answer that came through another one."""
        for name in names:
            member = self._members.get(name)
            if member and name != instead:
                self._count(member, host, Tally(failed=1))
                self._fails(member, None, f"no answer, where {instead} had one")

    def pardon(self, host: str, names: Iterable[str]) -> None:
        """Lift bans of a host after a request was refused through all these proxies alike.

        Then it is the page that is refused, unless a proxy was banned as often as it was answered there.
        """
        for name in names:
            tally = self._hosts.tally(host, name)
            if tally.ok > tally.banned:
                self._bans.lift(name, host)

    def soonest(self, host: str) -> float | None:
        """Return seconds until a proxy may be used for the host; None when there is no proxy at all."""
        waits = [self._bans.rest(name, host) for name in self._members]
        return min(waits, default=None)

    # Probes

    def to_probe(self, *, idle_seconds: float, resting: bool) -> tuple[Proxy, ...]:
        """Return the proxies that nobody used for so long, and if asked those that rest because they do not work."""
        idle_since = self._clock() - idle_seconds
        return tuple(
            member.proxy
            for name, member in self._members.items()
            if (resting if self._bans.is_banned(name, EVERYWHERE) else member.last_used <= idle_since)
        )

    def probed(self, name: str, *, reason: str) -> None:
        """Learn from a probe, which failed for a reason, or with "" went well: then the proxy rests no longer."""
        member = self._members.get(name)
        if member and reason:
            self._fails(member, None, reason)
        elif member:
            member.failures = 0
            self._bans.cut_short(name, EVERYWHERE)

    # With others

    def take_pending(self) -> Pending:
        """Return what happened since the last call, and forget that it was not told."""
        return Pending(tallies=self._hosts.take_unsent(), bans=self._bans.take_changes())

    def learn(self, news: News) -> None:
        """Take over what the fleet knows; it counts more than what is known here."""
        for (name, host), text in news.bans.items():
            self._bans.learn(name, host, text)
        for name, total in news.tallies.items():
            if member := self._members.get(name):
                member.learn(total, self._hosts.unsent(name))

    # Within

    def _any(self, host: str, avoid: Collection[str]) -> Member | None:
        """Choose by the strategy."""
        members = list(self._members.values())
        if len(members) > LOOKED_AT:
            some = self._fresh(self._dice.sample(members, LOOKED_AT), host, avoid)
            if some:
                return choose(self.rules.strategy, some, self._dice)
        usable = self._fresh(members, host, avoid) or self._fresh(members, host, ())
        return choose(self.rules.strategy, usable, self._dice) if usable else None

    def _of_host(self, host: str, avoid: Collection[str]) -> Member | None:
        """Choose the proxy of a sticky host; while that rests, the one that would follow it."""
        seconds = self.rules.sticky_seconds
        period = sticky_period(host, now=self._clock(), seconds=seconds)
        name, of_period = self._sticky.get(host, ("", -1))
        if of_period != period and self._members:
            name = sticky(host, self._members, period=period)
            self._sticky[host] = (name, period)
            if len(self._sticky) > STICKY:
                del self._sticky[next(iter(self._sticky))]
        member = self._members.get(name)
        if member and name not in avoid and self._may_use(member, host):
            return member
        members = list(self._members.values())
        usable = self._fresh(members, host, avoid) or self._fresh(members, host, ())
        names = [member.proxy.name for member in usable]
        return self._members[sticky(host, names, period=period)] if names else None

    def _fresh(self, members: Iterable[Member], host: str, avoid: Collection[str]) -> list[Member]:
        return [member for member in members if member.proxy.name not in avoid and self._may_use(member, host)]

    def _may_use(self, member: Member, host: str) -> bool:
        """Tell whether a proxy may be used: after a rest one request tries whether it works, before others follow."""
        name = member.proxy.name
        if not self._bans.knows(name):
            return True
        if self._bans.is_banned(name, host):
            return False
        rested = self._bans.rested(name)
        return not rested or member.proven >= rested or not member.running

    def _works(self, member: Member, attempt: Attempt) -> None:
        member.failures = 0
        member.proven = max(member.proven, self._bans.rested(member.proxy.name))
        self._hosts.answered(attempt.host, member.proxy.name)

    def _fails(self, member: Member, attempt: Attempt | None, reason: str) -> None:
        if self._bans.is_banned(member.proxy.name, EVERYWHERE):
            return  # it was on its way
        rested = self._bans.rested(member.proxy.name)
        member.failures += 1
        again = bool(rested) and member.proven < rested and (attempt is None or attempt.started >= rested)
        if member.failures >= self.rules.failures or again:
            member.failures = 0
            self._bans.ban(member.proxy.name, EVERYWHERE, reason)

    def _count(self, member: Member, host: str, tally: Tally) -> None:
        member.count(tally)
        self._hosts.count(host, member.proxy.name, tally)
