"""How long the event loop of a crawl lets others wait: an extension, switched on by benchmarks/images/settings.py."""

from __future__ import annotations

import asyncio
import json
import math
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Self

from scrapy import signals
from scrapy.exceptions import NotConfigured

from tests.run_delay import run_delay_seconds

if TYPE_CHECKING:
    from scrapy.crawler import Crawler

EVERY_SECONDS = 0.005


class LoopLag:
    """Note how late the loop runs what is due every 5 ms, from the first answer to the last item.

    Writes {"ticks", "p50_ms", "p99_ms", "max_ms", "own_p99_ms"} to LOOP_LAG_FILE at the end; the last leaves out the
    time in which the loop's thread was ready to run and the kernel had given all cores to others (its run delay in
    /proc/thread-self/schedstat).
    """

    def __init__(self, *, file: Path) -> None:
        self._file = file
        self._delays: list[float] = []
        self._own: list[float] = []
        self._run_delay = 0.0
        self._counted = 0
        self._timer: asyncio.TimerHandle | None = None

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Read LOOP_LAG_FILE; off without it."""
        if not crawler.settings["LOOP_LAG_FILE"]:
            raise NotConfigured("LOOP_LAG_FILE is not set")
        extension = cls(file=Path(crawler.settings["LOOP_LAG_FILE"]))
        crawler.signals.connect(extension.response_received, signals.response_received)
        crawler.signals.connect(extension.item_scraped, signals.item_scraped)
        crawler.signals.connect(extension.spider_closed, signals.spider_closed)
        return extension

    def response_received(self) -> None:
        """Begin with the first answer."""
        if self._timer is None:
            self._due = time.monotonic() + EVERY_SECONDS
            self._wait()

    def item_scraped(self) -> None:
        """Count what was noted up to this item."""
        self._counted = len(self._delays)

    def spider_closed(self) -> None:
        """Write the figures."""
        if self._timer:
            self._timer.cancel()
        own = figures(self._own[: self._counted])["p99_ms"]
        told = figures(self._delays[: self._counted]) | {"own_p99_ms": own}
        self._file.write_text(json.dumps(told), encoding="utf-8")

    def _tick(self) -> None:
        late = delays(self._due, time.monotonic())
        self._delays += late
        others = run_delay_seconds() - self._run_delay
        self._own += [max(0.0, seconds - others) for seconds in late]
        self._due += len(late) * EVERY_SECONDS
        self._wait()

    def _wait(self) -> None:
        self._run_delay = run_delay_seconds()
        self._timer = asyncio.get_running_loop().call_later(self._due - time.monotonic(), self._tick)


def delays(due: float, now: float) -> list[float]:
    """Return how late, in seconds, all are that were due from `due` to `now`, EVERY_SECONDS apart; one at least.

    A loop that hangs for 300 ms lets 60 of them wait: were it only one, a percentile would hardly see it.
    """
    late = max(0.0, now - due)
    return [late - number * EVERY_SECONDS for number in range(int(late / EVERY_SECONDS) + 1)]


def figures(seconds: Sequence[float]) -> dict[str, float]:
    """Return count, median, 99th percentile and maximum of delays, in milliseconds."""
    ordered = sorted(seconds) or [math.nan]
    return {
        "ticks": len(seconds),
        "p50_ms": 1000 * ordered[len(ordered) // 2],
        "p99_ms": 1000 * ordered[len(ordered) * 99 // 100],
        "max_ms": 1000 * ordered[-1],
    }
