"""Scrapyd's view of the jobs that ended: `jobstorage` in scrapyd.conf."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from scrapyd.interfaces import IJobStorage
from zope.interface import implementer

from image_spider_node.crawl_process import CrawlProcess, FinishedJob
from image_spider_node.database import Database
from image_spider_node.jobs import Jobs


@implementer(IJobStorage)
class JobStorage:
    """The launcher writes ends down itself; this shows the last `finished_to_keep` of them. `jobs` has all the rest."""

    def __init__(self, config: Any) -> None:
        self.jobs = Jobs(Database.of(config))
        self._shown: int = config.getint("finished_to_keep", 100)

    def add(self, job: CrawlProcess) -> None:
        """Do nothing: the end was written down by who saw it."""

    def list(self) -> list[FinishedJob]:
        """Return the jobs that ended last, latest first."""
        return [FinishedJob(record) for record in self.jobs.finished(self._shown)]

    def __len__(self) -> int:
        return min(self.jobs.finished_count(), self._shown)

    def __iter__(self) -> Iterator[FinishedJob]:
        return iter(self.list())
