"""JOBDIR after a kill: Scrapy's queue files are whole only when a run ended in order."""

from __future__ import annotations

import logging
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from scrapy import signals
from scrapy.exceptions import NotConfigured

if TYPE_CHECKING:
    from typing import Self

    from scrapy.crawler import Crawler

logger = logging.getLogger(__name__)

RUNNING = "image_spider.running"  # there while a run has not ended in order


class JobDirectory:
    """Start over when the last run in JOBDIR was killed or failed.

    Scrapy writes its queue's index when it closes, and its list of seen requests at once: after a kill, requests
    that were queued or in flight would count as seen and never come again. What is stored already is not downloaded
    twice, so starting over costs the pages alone.
    """

    def __init__(self, folder: Path) -> None:
        self._running = folder / RUNNING
        if self._running.exists():
            logger.warning("The last run in JOBDIR %s did not end in order: the crawl starts over", folder)
            shutil.rmtree(folder)
        folder.mkdir(parents=True, exist_ok=True)
        self.resumes = any(folder.iterdir())
        self._running.touch()

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Read JOBDIR. It must be done before the scheduler opens: extensions are made first."""
        if not crawler.settings["JOBDIR"]:
            raise NotConfigured
        extension = cls(Path(crawler.settings["JOBDIR"]))
        crawler.signals.connect(extension.spider_closed, signals.spider_closed)
        return extension

    def spider_closed(self, reason: str) -> None:
        """Take the mark away; the scheduler has written its files by now."""
        if reason != "failed":
            self._running.unlink(missing_ok=True)
