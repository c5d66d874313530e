"""Proxies as rows, for a terminal and as JSON; no credentials."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass

from rich import box
from rich.table import Table

from image_spider.proxies.bans import EVERYWHERE, Ban, holds
from image_spider.proxies.tally import Tally

REASON_WIDTH = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class ProxyRow:
    """A proxy, or a host of one, with what came of its requests."""

    name: str
    ok: int
    banned: int
    failed: int
    response_seconds: float | None  # mean; None: nothing was answered
    rests_seconds: float  # 0: it does not
    reason: str
    banned_by: int  # hosts

    def to_json(self) -> dict[str, object]:
        """Return the row as JSON has it."""
        return asdict(self)


def proxy_rows(
    names: Iterable[str], tallies: Mapping[str, Tally], bans: Mapping[tuple[str, str], Ban], *, now: float
) -> tuple[ProxyRow, ...]:
    """Return a row for each proxy, in this order."""
    held = {pair: ban for pair, ban in bans.items() if holds(ban, now=now)}
    return tuple(
        _row(
            name,
            tallies.get(name, Tally()),
            held.get((name, EVERYWHERE)),
            now=now,
            banned_by=sum(proxy == name and host != EVERYWHERE for proxy, host in held),
        )
        for name in names
    )


def host_rows(
    name: str, tallies: Mapping[str, Tally], bans: Mapping[tuple[str, str], Ban], *, now: float
) -> tuple[ProxyRow, ...]:
    """Return a row for each host of a proxy, those with most requests first."""
    rows = [
        _row(host, tally, ban if holds(ban := bans.get((name, host)), now=now) else None, now=now)
        for host, tally in sorted(tallies.items(), key=lambda pair: (-pair[1].requests, pair[0]))
    ]
    return tuple(rows)


def proxies_table(rows: Iterable[ProxyRow], *, of_hosts: bool = False) -> Table:
    """Return the rows as a table."""
    table = Table(box=box.SIMPLE_HEAD)
    table.add_column("host" if of_hosts else "proxy", no_wrap=True)
    for column in ("ok", "banned", "failed", "response", "rests", *(() if of_hosts else ("banned by",))):
        table.add_column(column, justify="right")
    table.add_column("why")
    for row in rows:
        table.add_row(
            row.name,
            *(f"{number:,}" for number in (row.ok, row.banned, row.failed)),
            "" if row.response_seconds is None else f"{row.response_seconds * 1000:,.0f} ms",
            f"{row.rests_seconds:,.0f} s" if row.rests_seconds else "",
            *(() if of_hosts else (f"{row.banned_by:,} hosts" if row.banned_by else "",)),
            row.reason[:REASON_WIDTH],
        )
    return table


def _row(name: str, tally: Tally, ban: Ban | None, *, now: float, banned_by: int = 0) -> ProxyRow:
    return ProxyRow(
        name=name,
        ok=tally.ok,
        banned=tally.banned,
        failed=tally.failed,
        response_seconds=round(tally.ms / tally.ok / 1000, 4) if tally.ok else None,
        rests_seconds=round(ban.until - now, 1) if ban else 0.0,
        reason=ban.reason if ban else "",
        banned_by=banned_by,
    )
