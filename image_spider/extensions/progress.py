"""A live line on a terminal: pages, images, rate, failures, queue."""

from __future__ import annotations

import asyncio
import logging
import sys
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from rich.console import Console
from rich.live import Live
from rich.text import Text
from scrapy import signals
from scrapy.exceptions import NotConfigured
from scrapy.utils.log import get_scrapy_root_handler

from image_spider.figures import Figures
from image_spider.spiders.images import images_spider

if TYPE_CHECKING:
    from typing import Self

    from scrapy.crawler import Crawler

REFRESH_SECONDS = 0.25


class Progress:
    """Show one line that changes; log lines go above it."""

    def __init__(self, *, crawler: Crawler, console: Console) -> None:
        self._crawler = crawler
        self._live = Live(console=console, auto_refresh=False, transient=True)
        self._task: asyncio.Task[None] | None = None

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Stay off without a terminal: plain log lines are better there."""
        images_spider(crawler)
        if not sys.stderr.isatty() or crawler.settings["LOG_FILE"]:
            raise NotConfigured
        extension = cls(crawler=crawler, console=Console(stderr=True))
        crawler.signals.connect(extension.spider_opened, signals.spider_opened)
        crawler.signals.connect(extension.spider_closed, signals.spider_closed)
        return extension

    def spider_opened(self) -> None:
        """Begin."""
        self._live.start()
        handler = get_scrapy_root_handler()
        if isinstance(handler, logging.StreamHandler):
            handler.setStream(sys.stderr)  # rich has replaced it
        self._task = asyncio.ensure_future(self._refresh())

    async def spider_closed(self) -> None:
        """End; the summary follows."""
        if self._task:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
        self._live.stop()

    async def _refresh(self) -> None:
        started = time.monotonic()
        while True:
            figures = Figures(self._crawler.stats.get_stats())
            queued = len(self._crawler.engine.scheduler)  # type: ignore[arg-type]
            rate = figures.images / max(time.monotonic() - started, 0.001)
            line = (
                f"pages {figures.pages:,} · images {figures.images:,} ({rate:.1f}/s) · "
                f"failures {figures.failures:,} · queue {queued:,} pages, {figures.waiting:,} images"
            )
            fleet_trouble = getattr(self._crawler.engine.scheduler, "trouble", "")
            for trouble in filter(None, (fleet_trouble, getattr(self._crawler.spider, "trouble", ""))):
                line += f" · {trouble}"
            if not self._crawler.crawling:
                line += " · ending in order, Ctrl-C again forces it"
            self._live.update(Text(line), refresh=True)
            await asyncio.sleep(REFRESH_SECONDS)
