"""What workers tell each other of proxies: frozen records between the pool and who shares it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from image_spider.proxies.tally import Tally


@dataclass(frozen=True, slots=True, kw_only=True)
class BanChange:
    """A ban set or lifted here; it counts only where the record is still the one that was known here."""

    proxy: str
    host: str
    before: str  # Ban.to_text, "" for none
    after: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """What happened here since it was last told."""

    tallies: Mapping[tuple[str, str], Tally]  # by proxy and host
    bans: Sequence[BanChange]


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """What others changed: totals of a proxy over the whole fleet, and bans by proxy and host, "" for one lifted."""

    tallies: Mapping[str, Tally] = field(default_factory=dict)
    bans: Mapping[tuple[str, str], str] = field(default_factory=dict)
