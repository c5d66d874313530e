"""Crawls and workers as tables for a terminal."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from rich import box
from rich.progress_bar import ProgressBar
from rich.table import Table

from image_spider.broker.records import CrawlRecord, WorkerRecord
from image_spider.politeness.breaker import breaker_at
from image_spider.politeness.host_state import HostState

BAR_WIDTH = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetCrawl:
    """A crawl's record, and how many distinct images it has if it has max_images."""

    record: CrawlRecord
    unique_images: int


def fleet_table(crawls: Iterable[FleetCrawl]) -> Table:
    """Return the crawls of a fleet.

    The bar shows images of max_images where there is a limit, else requests that are done of those that are known: it
    may go back while new links are found.
    """
    table = _table("crawl", "state", "progress", "pages", "images", "failed", "open", "dead", "started")
    for crawl in crawls:
        record, counters = crawl.record, crawl.record.counters
        table.add_row(
            record.id,
            str(record.state),
            _bar(crawl),
            *(f"{counters.get(name, 0):,}" for name in ("pages", "images", "failed")),
            f"{record.outstanding:,}",
            f"{counters.get('dead', 0):,}",
            _time(datetime.fromtimestamp(record.started_ms / 1000, UTC)),
        )
    return table


def workers_table(workers: Iterable[WorkerRecord]) -> Table:
    """Return the workers of a fleet, dead ones included until their requests are given out again."""
    table = _table("worker", "host", "pid", "version", "requests/s", "requests", "images", "in hand", "alive")
    for worker in workers:
        report = worker.report
        counters: Mapping[str, int] = report.counters if report else {}
        table.add_row(
            worker.id,
            report.host if report else "",
            str(report.pid) if report else "",
            report.version if report else "",
            f"{report.rate:,.1f}" if report else "",
            f"{counters.get('requests', 0):,}",
            f"{counters.get('images', 0):,}",
            f"{worker.leases:,}",
            "yes" if worker.alive_ms > 0 else f"lost {-worker.alive_ms / 1000:.0f} s ago",
        )
    return table


def hosts_table(hosts: Mapping[str, HostState], *, now: float) -> Table:
    """Return the hosts that are not asked as the settings say: those that are down, closed or slow, worst first."""
    table = _table("host", "breaker", "closed for", "every", "at a time", "failures", "latency", "why")
    for host, state in sorted(hosts.items(), key=lambda row: (-max(row[1].closed_until, now), -row[1].delay, row[0])):
        left = state.closed_until - now
        table.add_row(
            host,
            breaker_at(state, now).replace("_", " "),
            f"{left:,.0f} s" if left > 0 else "",
            f"{state.delay:,.2f} s",
            str(state.places),
            f"{state.failures:,}",
            f"{state.latency:,.2f} s" if state.latency else "",
            state.reason or (f"robots.txt asks for {state.floor:,.2f} s" if state.floor else ""),
        )
    return table


def catalog_table(rows: Sequence[Mapping[str, Any]]) -> Table:
    """Return crawls as the catalog records them; those of a fleet get their figures when they end."""
    table = _table("crawl", "state", "pages", "images", "failures", "started", "reason")
    for row in rows:
        counts = (f"{row[name]:,}" for name in ("pages", "images", "failures"))
        table.add_row(row["id"], row["state"], *counts, _time(row["started_at"]), row["reason"])
    return table


def _table(*columns: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD)
    for column in columns:
        number = column in {
            "pages",
            "images",
            "failed",
            "failures",
            "open",
            "dead",
            "requests/s",
            "requests",
            "in hand",
            "closed for",
            "every",
            "at a time",
            "latency",
        }
        table.add_column(column, justify="right" if number else "left", no_wrap=column in {"crawl", "worker", "host"})
    return table


def _bar(crawl: FleetCrawl) -> ProgressBar:
    counters, record = crawl.record.counters, crawl.record
    limit = json.loads(record.arguments).get("max_images") if record.arguments else None
    if limit:
        return ProgressBar(total=limit, completed=min(limit, crawl.unique_images), width=BAR_WIDTH)
    done = counters.get("finished", 0) + counters.get("dead", 0) + counters.get("dropped", 0)
    return ProgressBar(total=max(1, done + record.outstanding), completed=done, width=BAR_WIDTH)


def _time(moment: datetime) -> str:
    return moment.astimezone().strftime("%Y-%m-%d %H:%M:%S")
