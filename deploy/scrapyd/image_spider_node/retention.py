"""What a node deletes of logs and of its memory of jobs: by age, and by the bytes and jobs that it is to keep."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from scrapyd.exceptions import ConfigError
from twisted.logger import Logger

from image_spider_node.jobs import Jobs
from image_spider_node.log_files import LogFile, LogFiles
from image_spider_node.metrics import LogFigures

DAY_SECONDS = 86_400
log = Logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What is kept; 0: no limit."""

    seconds: float
    log_bytes: int
    jobs: int

    @classmethod
    def of(cls, config: Any) -> Rules:
        """Read the options of scrapyd.conf; raise ConfigError for a negative one."""
        rules = cls(
            seconds=config.getfloat("keep_days", 30.0) * DAY_SECONDS,
            log_bytes=config.getint("keep_log_bytes", 5_000_000_000),
            jobs=config.getint("keep_jobs", 10_000),
        )
        if min(rules.seconds, rules.log_bytes, rules.jobs) < 0:
            raise ConfigError("scrapyd.conf: keep_days, keep_log_bytes and keep_jobs are 0 (no limit) or more")
        return rules


def choose(logs: Iterable[LogFile], *, running: Collection[tuple[str, str]], rules: Rules, now: float) -> list[LogFile]:
    """Return the logs to delete: those that are too old, then the oldest until the rest has few enough bytes.

    Never one of a running job (project, job), however old or large: what that leaves above the limit is the caller's to
    tell.
    """
    logs = sorted(logs, key=lambda file: file.modified)
    left = sum(file.bytes for file in logs)
    chosen = []
    for file in logs:
        too_old = rules.seconds and now - file.modified > rules.seconds
        too_much = rules.log_bytes and left > rules.log_bytes
        if (too_old or too_much) and (file.project, file.job) not in running:
            chosen.append(file)
            left -= file.bytes
    return chosen


class Retention:
    """Applies the rules; for one thread at a time, as it reads whole folders."""

    def __init__(self, *, logs: LogFiles, jobs: Jobs, rules: Rules, clock: Callable[[], float] = time.time) -> None:
        self._logs = logs
        self._jobs = jobs
        self._rules = rules
        self._clock = clock
        self.figures = LogFigures()

    def apply(self) -> None:
        """Delete logs, then forget jobs; raises OSError or sqlite3.Error where folders or the database cannot be read.

        A job's row says that it runs before its log is made, and the logs are listed before the rows are read: so a
        log that is listed is of a job that is known to run, or of one that runs no more.
        """
        found = list(self._logs.all())
        running = {(job.project, job.job) for job in self._jobs.running()}
        deleted = [
            file for file in choose(found, running=running, rules=self._rules, now=self._clock()) if _delete(file.path)
        ]
        freed = sum(file.bytes for file in deleted)
        left = sum(file.bytes for file in found) - freed
        self.figures = LogFigures(
            files=len(found) - len(deleted),
            bytes=left,
            deleted_files=self.figures.deleted_files + len(deleted),
            deleted_bytes=self.figures.deleted_bytes + freed,
            looked_at=self._clock(),
        )
        if deleted:
            log.info("Deleted {files} logs of {bytes} bytes", files=len(deleted), bytes=freed)
        if self._rules.log_bytes and left > self._rules.log_bytes:
            log.warn(
                "The logs that stay have {bytes} bytes, more than keep_log_bytes: their jobs run, look at LOG_LEVEL",
                bytes=left,
            )
        self._forget()

    def _forget(self) -> None:
        rules, moments = self._rules, []
        if rules.seconds:
            moments.append(datetime.fromtimestamp(self._clock() - rules.seconds, UTC))
        if rules.jobs and len(kept := self._jobs.finished(rules.jobs)) == rules.jobs and kept[-1].ended:
            moments.append(kept[-1].ended)
        if moments and (count := self._jobs.forget(ended_before=max(moments))):
            log.info("Forgot {count} jobs that ended long ago", count=count)


def _delete(path: Path) -> bool:
    """Delete a log; one that cannot be deleted is told, and keeps no other one from it."""
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        log.error("A log cannot be deleted, it is tried again: {error}", error=error)
        return False
    return True
