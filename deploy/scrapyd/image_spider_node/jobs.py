"""Jobs: one row for each that was ever scheduled here, from the moment it was asked for until retention forgets it."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from image_spider_node.database import Database
from image_spider_node.errors import Refused
from image_spider_node.process_id import ProcessId

COLUMNS = (
    "project, spider, job, watcher, watcher_started, pid, pid_started, boot, started, ended, exit_status, "
    "finish_reason, log, version, egg_sha256"
)
CANCELLED = "cancelled"  # finish_reason of a job that was cancelled before it began
NOT_STARTED = "not started"  # begins the finish_reason of one that could not be
MAX_STARTS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRecord:
    """A job that was started. `pid` is the crawl's, `watcher` that of the small process that waits for it.

    `pid_started` and `watcher_started` (seconds since the boot `boot`) tell a process from a later one that was given
    the same number: `crawl_id` and `watcher_id`. `exit_status` is negative for a signal, as in subprocess; None after
    the end means that nobody was there to see it. `finish_reason` is Scrapy's ("finished", "shutdown", ...), the number
    of the signal that ended the crawl before Scrapy told one, or None when nobody told.
    """

    project: str
    spider: str
    job: str
    watcher: int | None
    watcher_started: float | None
    pid: int | None
    pid_started: float | None
    boot: str | None
    started: datetime
    ended: datetime | None
    exit_status: int | None
    finish_reason: str | None
    log: str | None
    version: str | None
    egg_sha256: str | None

    @property
    def crawl_id(self) -> ProcessId | None:
        """The crawl's process; None before a watcher has claimed the job."""
        return _process_id(self.pid, self.pid_started, self.boot)

    @property
    def watcher_id(self) -> ProcessId | None:
        """The process that waits for the crawl's end."""
        return _process_id(self.watcher, self.watcher_started, self.boot)


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingJob:
    """A job that was scheduled and not started; `message` is what Scrapyd's queue holds for it."""

    project: str
    spider: str
    job: str
    priority: float
    message: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """What is known of a job at the moment it is started; `token` is what its watcher must show."""

    project: str
    spider: str
    job: str
    token: str
    log: str | None
    version: str | None
    egg_sha256: str | None


class Jobs:
    """The table of jobs. A row goes through: scheduled, started (has a token), claimed (has a pid), ended.

    Each step is one transaction that asks for the step before, so a job runs once whoever else is at work: a
    daemon that was killed, one that was started after it, and the watchers that both of them left behind.
    """

    def __init__(self, database: Database, *, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._clock = clock

    @property
    def database(self) -> Database:
        """The file, whose path watchers are told."""
        return self._database

    def schedule(self, waiting: WaitingJob) -> None:
        """Write a job down before it is queued; raise Refused (409) when the project has had this id."""
        words = (waiting.project, waiting.job, waiting.spider, json.dumps(waiting.message), waiting.priority)
        try:
            with self._database.writing() as connection:
                connection.execute(
                    "INSERT INTO jobs (project, job, spider, message, priority, scheduled) VALUES (?, ?, ?, ?, ?, ?)",
                    (*words, self._clock()),
                )
        except sqlite3.IntegrityError as error:
            state = self.state(waiting.project, waiting.job)
            raise Refused(409, f"job '{waiting.job}' is {state} already: a job runs once, take another id") from error

    def start(self, start: Start, *, message: dict[str, Any]) -> bool:
        """Mark a job as started; False when it was before. One that was queued without `schedule` gets its row here."""
        words = (start.project, start.job, start.spider, json.dumps(message), self._clock())
        known = (start.token, self._clock(), start.log, start.version, start.egg_sha256)
        with self._database.writing() as connection:
            connection.execute(
                "INSERT INTO jobs (project, job, spider, message, priority, scheduled) VALUES (?, ?, ?, ?, 0, ?) "
                "ON CONFLICT DO NOTHING",
                words,
            )
            return _changed(
                connection,
                "UPDATE jobs SET starts = starts + 1, token = ?, started = ?, log = ?, version = ?, egg_sha256 = ? "
                "WHERE project = ? AND job = ? AND started IS NULL AND ended IS NULL",
                (*known, start.project, start.job),
            )

    def claim(self, project: str, job: str, token: str, *, watcher: ProcessId, crawl: ProcessId) -> bool:
        """Write the processes of a started job down; False when it was given to another watcher, or ended."""
        with self._database.writing() as connection:
            return _changed(
                connection,
                "UPDATE jobs SET watcher = ?, watcher_started = ?, pid = ?, pid_started = ?, boot = ? "
                "WHERE project = ? AND job = ? AND token = ? AND pid IS NULL AND ended IS NULL",
                (watcher.pid, watcher.started, crawl.pid, crawl.started, crawl.boot, project, job, token),
            )

    def release(self, project: str, job: str) -> bool:
        """Take a started job that nobody has claimed back to the waiting ones; False when a watcher was faster.

        One that was started `MAX_STARTS` times and never claimed will not be the next time either: it ends.
        """
        now = self._clock()
        with self._database.writing() as connection:
            connection.execute(
                "UPDATE jobs SET ended = ?, finish_reason = ? "
                "WHERE project = ? AND job = ? AND starts >= ? AND pid IS NULL AND ended IS NULL",
                (
                    now,
                    f"{NOT_STARTED}: its process ended {MAX_STARTS} times before the crawl",
                    project,
                    job,
                    MAX_STARTS,
                ),
            )
            return _changed(
                connection,
                "UPDATE jobs SET token = NULL, started = NULL "
                "WHERE project = ? AND job = ? AND started IS NOT NULL AND pid IS NULL AND ended IS NULL",
                (project, job),
            )

    def end(self, project: str, job: str, *, exit_status: int | None, finish_reason: str | None = None) -> bool:
        """Write the end of a job down; the first one to tell is believed, a second one gets False."""
        now = self._clock()
        with self._database.writing() as connection:
            return _changed(
                connection,
                "UPDATE jobs SET started = coalesce(started, ?), ended = ?, exit_status = ?, finish_reason = ? "
                "WHERE project = ? AND job = ? AND ended IS NULL",
                (now, now, exit_status, finish_reason, project, job),
            )

    def refuse(self, waiting: WaitingJob, *, reason: str) -> None:
        """Write down that a job that was queued, by whatever way, cannot be started."""
        with suppress(Refused):
            self.schedule(waiting)
        self.cancel(waiting.project, waiting.job, reason=f"{NOT_STARTED}: {reason}")

    def cancel(self, project: str, job: str, *, reason: str = CANCELLED) -> bool:
        """End a job that has no process yet; False when it has one, or has ended."""
        now = self._clock()
        with self._database.writing() as connection:
            return _changed(
                connection,
                "UPDATE jobs SET started = coalesce(started, ?), ended = ?, finish_reason = ? "
                "WHERE project = ? AND job = ? AND pid IS NULL AND ended IS NULL",
                (now, now, reason, project, job),
            )

    def cancel_waiting(self, project: str, *, reason: str) -> int:
        """End the jobs of a project that were not started; return how many."""
        now = self._clock()
        with self._database.writing() as connection:
            return connection.execute(
                "UPDATE jobs SET started = ?, ended = ?, finish_reason = ? "
                "WHERE project = ? AND started IS NULL AND ended IS NULL",
                (now, now, reason, project),
            ).rowcount

    def forget(self, *, ended_before: datetime) -> int:
        """Delete jobs that ended before a moment; their ids may then be used again. Return how many."""
        with self._database.writing() as connection:
            return connection.execute("DELETE FROM jobs WHERE ended < ?", (ended_before.timestamp(),)).rowcount

    def waiting(self) -> list[WaitingJob]:
        """Return the jobs that were scheduled and not started, oldest first."""
        with self._database.reading() as connection:
            rows = connection.execute(
                "SELECT project, spider, job, priority, message FROM jobs WHERE started IS NULL AND ended IS NULL "
                "ORDER BY scheduled"
            ).fetchall()
        return [WaitingJob(**dict(row) | {"message": json.loads(row["message"])}) for row in rows]

    def running(self) -> list[JobRecord]:
        """Return the jobs that were started and whose end nobody has told, oldest first."""
        return self._records("started IS NOT NULL AND ended IS NULL ORDER BY started")

    def finished(self, limit: int, *, project: str | None = None) -> list[JobRecord]:
        """Return the jobs that ended last, of a project or of all, latest first."""
        where = "ended IS NOT NULL AND (? IS NULL OR project = ?) ORDER BY ended DESC, rowid DESC LIMIT ?"
        return self._records(where, project, project, limit)

    def finished_count(self) -> int:
        """Return how many jobs of the table have ended."""
        with self._database.reading() as connection:
            (count,) = connection.execute("SELECT count(*) FROM jobs WHERE ended IS NOT NULL").fetchone()
        return int(count)

    def find(self, project: str, job: str) -> JobRecord | None:
        """Return a job that was started; None for one that waits or is unknown."""
        found = self._records("project = ? AND job = ? AND started IS NOT NULL", project, job)
        return found[0] if found else None

    def state(self, project: str, job: str) -> str | None:
        """Return "pending", "running" or "finished" (Scrapyd's words), None for an unknown job."""
        with self._database.reading() as connection:
            row = connection.execute(
                "SELECT started, ended FROM jobs WHERE project = ? AND job = ?", (project, job)
            ).fetchone()
        if row is None:
            return None
        if row["ended"] is not None:
            return "finished"
        return "pending" if row["started"] is None else "running"

    def _records(self, where: str, *words: object) -> list[JobRecord]:
        with self._database.reading() as connection:
            return [_record(row) for row in connection.execute(f"SELECT {COLUMNS} FROM jobs WHERE {where}", words)]


def _process_id(pid: int | None, started: float | None, boot: str | None) -> ProcessId | None:
    return None if pid is None or started is None or boot is None else ProcessId(pid, started, boot)


def _changed(connection: sqlite3.Connection, statement: str, words: tuple[object, ...]) -> bool:
    return connection.execute(statement, words).rowcount == 1


def _record(row: sqlite3.Row) -> JobRecord:
    times = {name: row[name] and datetime.fromtimestamp(row[name], UTC) for name in ("started", "ended")}
    return JobRecord(**dict(row) | times)
