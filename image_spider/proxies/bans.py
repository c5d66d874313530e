"""Bans: a proxy rests for one host, or for all, each time longer."""

from __future__ import annotations

from dataclasses import dataclass

EVERYWHERE = "*"  # the host of a ban that holds for all: the proxy itself does not work


@dataclass(frozen=True, slots=True)
class BanRules:
    """Seconds of the first ban, doubled by each further one; the longest is also how long strikes are remembered."""

    first: float
    longest: float


@dataclass(frozen=True, slots=True)
class Ban:
    """Until when, Unix seconds by the clock of who keeps the bans; which one in a row; and why."""

    until: float
    strikes: int
    reason: str

    def to_text(self) -> str:
        """Return it as a line."""
        return f"{round(self.until * 1000)} {self.strikes} {' '.join(self.reason.split())}"

    @classmethod
    def from_text(cls, text: str) -> Ban:
        """Return the ban of to_text; raises ValueError for anything else."""
        until, strikes, reason = text.split(" ", 2)
        return cls(int(until) / 1000, int(strikes), reason)


def holds(ban: Ban | None, *, now: float) -> bool:
    """Tell whether a ban is in force."""
    return ban is not None and now < ban.until


def is_remembered(ban: Ban | None, *, now: float, rules: BanRules) -> bool:
    """Tell whether the next ban is longer because of this one."""
    return ban is not None and now < ban.until + rules.longest


def next_ban(before: Ban | None, *, now: float, reason: str, rules: BanRules) -> Ban | None:
    """Return the next ban; None while one holds: requests that were on their way are no further strike."""
    if holds(before, now=now):
        return None
    strikes = before.strikes + 1 if before and is_remembered(before, now=now, rules=rules) else 1
    seconds = min(rules.longest, rules.first * 2.0 ** min(strikes - 1, 60))
    return Ban(now + seconds, strikes, reason)
