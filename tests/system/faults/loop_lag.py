"""An extension that notes when a worker's event loop was late, and how much of it was the worker's own doing."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Self

from scrapy import signals
from scrapy.exceptions import NotConfigured

from tests.run_delay import run_delay_seconds

if TYPE_CHECKING:
    from scrapy.crawler import Crawler

EVERY_SECONDS = 0.01
NOTED_SECONDS = 0.02


class LoopLag:
    """Writes [[time.monotonic(), seconds late]] to LOOP_LAG_FILE when the spider closes.

    Time in which the kernel ran others on all cores is not counted (the run delay of /proc/thread-self/schedstat): a
    test has to hold on a busy machine too.
    """

    def __init__(self, *, file: Path) -> None:
        self._file = file
        self._late: list[tuple[float, float]] = []

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Read LOOP_LAG_FILE; off without it."""
        if not crawler.settings["LOOP_LAG_FILE"]:
            raise NotConfigured("LOOP_LAG_FILE is not set")
        extension = cls(file=Path(crawler.settings["LOOP_LAG_FILE"]))
        crawler.signals.connect(extension.spider_opened, signals.spider_opened)
        crawler.signals.connect(extension.spider_closed, signals.spider_closed)
        return extension

    def spider_opened(self) -> None:
        """Begin."""
        self._wait()

    def spider_closed(self) -> None:
        """Write what was noted."""
        self._file.write_text(json.dumps(self._late), encoding="utf-8")

    def _wait(self) -> None:
        self._due, self._delayed = time.monotonic() + EVERY_SECONDS, run_delay_seconds()
        asyncio.get_running_loop().call_later(EVERY_SECONDS, self._tick)

    def _tick(self) -> None:
        now = time.monotonic()
        own = now - self._due - (run_delay_seconds() - self._delayed)
        if own > NOTED_SECONDS:
            self._late.append((now, own))
        self._wait()
