"""A crawl in a slot of the launcher, as Scrapyd's services and pages see it, our child or found again."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from datetime import datetime

from twisted.internet.protocol import ProcessProtocol
from twisted.python.failure import Failure

from image_spider_node.jobs import JobRecord, Jobs
from image_spider_node.recovery import lives


class CrawlProcess(ProcessProtocol):
    """Has the attributes of Scrapyd's ScrapyProcessProtocol. Times are local and naive, as Scrapyd's pages want them.

    The process that Twisted runs is the watcher; `pid` is the crawl's, known once the watcher has claimed the job.
    """

    def __init__(self, record: JobRecord, *, jobs: Jobs, ended: Callable[[], None], found: bool = False) -> None:
        self.project = record.project
        self.spider = record.spider
        self.job = record.job
        self.start_time = local(record.started)
        self.end_time: datetime | None = None
        self.args: list[str] = []
        self.env: dict[str, str] = {}
        self.watched = not found  # by a child of this daemon, whose end is told
        self._jobs = jobs
        self._ended = ended

    def record(self) -> JobRecord | None:
        """Return what is written down about the job now."""
        return self._jobs.find(self.project, self.job)

    @property
    def pid(self) -> int | None:
        """The crawl's process; None for the moment in which it is being started."""
        record = self.record()
        return record.pid if record else None

    def send(self, number: int) -> bool:
        """Send the crawl a signal; False when it has no process, or no longer."""
        record = self.record()
        if not record or record.pid is None or not lives(record.crawl_id):
            return False
        try:
            os.kill(record.pid, number)
        except ProcessLookupError:
            return False
        return True

    def tell_to_end(self) -> None:
        """Send SIGTERM; a job that nobody has claimed is given back, for the next daemon."""
        if not self.send(signal.SIGTERM) and not self._jobs.release(self.project, self.job):
            self.send(signal.SIGTERM)  # its watcher has claimed it in between

    def processEnded(self, reason: Failure) -> None:
        """Pass the end of the watcher on."""
        self.watched = False
        self._ended()


class FinishedJob:
    """A job that ended, with the attributes that Scrapyd's services and pages read."""

    def __init__(self, record: JobRecord) -> None:
        assert record.ended
        self.project = record.project
        self.spider = record.spider
        self.job = record.job
        self.start_time = local(record.started)
        self.end_time = local(record.ended)


def local(moment: datetime) -> datetime:
    """Return a time as Scrapyd keeps it: local, and without its zone."""
    return moment.astimezone().replace(tzinfo=None)
