"""The bans in force and those that are remembered, by proxy and host; and what changed since others were told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from image_spider.proxies.bans import EVERYWHERE, Ban, BanRules, holds, is_remembered, next_ban
from image_spider.proxies.changes import BanChange

MOST = 20_000  # bans that are remembered; the oldest are forgotten first


class BanBook:
    """Bans by proxy and host."""

    def __init__(
        self,
        *,
        rules: BanRules,
        clock: Callable[[], float],
        banned: Callable[[str, str, Ban], None] | None = None,
    ) -> None:
        self._rules = rules
        self._banned = banned
        self._clock = clock
        self._bans: dict[tuple[str, str], Ban] = {}
        self._counts: dict[str, int] = {}  # bans of a proxy: most have none, and are passed over at once
        self._changes: list[BanChange] = []

    def knows(self, name: str) -> bool:
        """Tell whether there is any ban of the proxy, one that is over included."""
        return name in self._counts

    def is_banned(self, name: str, host: str) -> bool:
        """Tell whether the proxy rests, for this host or for all."""
        if not self.knows(name):
            return False
        now = self._clock()
        return holds(self._bans.get((name, host)), now=now) or holds(self._bans.get((name, EVERYWHERE)), now=now)

    def rest(self, name: str, host: str) -> float:
        """Return seconds until neither ban holds; 0 when none does."""
        bans = (self._bans.get((name, host)), self._bans.get((name, EVERYWHERE)))
        return max(0.0, *(ban.until - self._clock() if ban else 0.0 for ban in bans))

    def rested(self, name: str) -> float:
        """Return when the last ban for all hosts ended; 0 when none is remembered, or one still holds."""
        ban = self._bans.get((name, EVERYWHERE))
        now = self._clock()
        if ban is None or holds(ban, now=now) or not is_remembered(ban, now=now, rules=self._rules):
            return 0.0
        return ban.until

    def ban(self, name: str, host: str, reason: str) -> None:
        """Let the proxy rest, longer than the last time; nothing changes while it does."""
        before = self._bans.get((name, host))
        ban = next_ban(before, now=self._clock(), reason=reason, rules=self._rules)
        if ban:
            self._set(name, host, ban)
            if self._banned:
                self._banned(name, host, ban)

    def lift(self, name: str, host: str) -> None:
        """Let the proxy be used again, and its strikes be forgotten."""
        if (name, host) in self._bans:
            self._set(name, host, None)

    def cut_short(self, name: str, host: str) -> None:
        """Let the proxy be used again, and remember its strikes: should it be banned again, it rests longer."""
        ban = self._bans.get((name, host))
        if holds(ban, now=self._clock()):
            assert ban
            self._set(name, host, replace(ban, until=self._clock()))

    def learn(self, name: str, host: str, text: str) -> None:
        """Take over what others hold: a Ban as text, or "" for none."""
        self._put(name, host, Ban.from_text(text) if text else None)

    def take_changes(self) -> list[BanChange]:
        """Return what changed since the last call."""
        changes, self._changes = self._changes, []
        return changes

    def _set(self, name: str, host: str, ban: Ban | None) -> None:
        before = self._bans.get((name, host))
        self._changes.append(
            BanChange(
                proxy=name,
                host=host,
                before=before.to_text() if before else "",
                after=ban.to_text() if ban else "",
            )
        )
        del self._changes[:-MOST]  # a local run tells nobody
        self._put(name, host, ban)

    def _put(self, name: str, host: str, ban: Ban | None) -> None:
        self._drop(name, host)  # what is banned anew is forgotten last
        if ban:
            self._bans[name, host] = ban
            self._counts[name] = self._counts.get(name, 0) + 1
        while len(self._bans) > MOST:
            self._drop(*next(iter(self._bans)))

    def _drop(self, name: str, host: str) -> None:
        if self._bans.pop((name, host), None):
            self._counts[name] -= 1
            if not self._counts[name]:
                del self._counts[name]
