"""JOBDIR after a kill: Scrapy's queue files are whole only when a run ended in order."""

from __future__ import annotations

import fcntl
import json
import logging
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from scrapy import signals
from scrapy.exceptions import NotConfigured

from image_spider.exceptions import UsageError

if TYPE_CHECKING:
    from typing import Self

    from scrapy import Spider
    from scrapy.crawler import Crawler

logger = logging.getLogger(__name__)

RUNNING = "image_spider.running"  # there while a run has not ended in order, and locked while it runs
UNFINISHED = "image_spider.unfinished.json"
OF_A_RUN = ("requests.queue", "requests.seen", "spider.state", "image_spider.pages.json")


class JobDirectory:
    """Start over when the last run in JOBDIR was killed or failed; remember the pages that a stop left unfinished.

    Scrapy writes its queue's index when it closes, and its list of seen requests at once: after a kill, requests
    that were queued or in flight would count as seen and never come again. What is stored already is not downloaded
    twice, so starting over costs the pages alone.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._unfinished: set[str] = set()
        self._began = False
        try:
            folder.mkdir(parents=True, exist_ok=True)
            was_running = (folder / RUNNING).exists()
            self._lock = (folder / RUNNING).open("a")
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UsageError("JOBDIR", folder, "a folder that no other crawl is using") from None
        except OSError as error:
            raise UsageError("JOBDIR", folder, f"a folder that can be written ({error.strerror})") from error
        if was_running:
            logger.warning("The last run in JOBDIR %s did not end in order: the crawl starts over", folder)
            self._forget()
        self.resumes = (folder / "requests.seen").exists()
        self.unfinished_pages = self._read_unfinished()

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Read JOBDIR; off in a fleet. It must be done before the scheduler opens: extensions are made first."""
        if not crawler.settings["JOBDIR"] or crawler.settings["REDIS_URL"]:  # a fleet keeps its queue in Redis
            raise NotConfigured
        extension = cls(Path(crawler.settings["JOBDIR"]))
        crawler.signals.connect(extension.spider_opened, signals.spider_opened)
        crawler.signals.connect(extension.spider_closed, signals.spider_closed)
        return extension

    def leave_unfinished(self, page_url: str) -> None:
        """Note a page whose candidates a stop left behind: Scrapy counts it as done."""
        self._unfinished.add(page_url)

    def spider_opened(self, spider: Spider) -> None:
        """Note whether the run begins at all."""
        self._began = not getattr(spider, "error", None)

    def spider_closed(self, spider: Spider, reason: str) -> None:
        """Take the mark away; the scheduler has written its files by now.

        It stays when the run failed, also while it was ending already: items in hand are lost then, and their pages
        count as seen. A run that could not begin leaves all as it was.
        """
        if self._began:
            (self._folder / UNFINISHED).write_text(json.dumps(sorted(self._unfinished)), encoding="utf-8")
        if not self._began or (reason != "failed" and not getattr(spider, "error", None)):
            (self._folder / RUNNING).unlink(missing_ok=True)
        self._lock.close()

    def _forget(self) -> None:
        for name in OF_A_RUN:
            path = self._folder / name
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)

    def _read_unfinished(self) -> tuple[str, ...]:
        path = self._folder / UNFINISHED
        return tuple(json.loads(path.read_text(encoding="utf-8"))) if self.resumes and path.exists() else ()
