"""The node's SQLite file: jobs and versions of eggs."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

NAME = "node.sqlite3"  # queues are <project>.db, so no project's name can be taken for it
BUSY_SECONDS = 10.0  # how long a watcher waits for a lock
DAEMON_BUSY_SECONDS = (
    2.0  # which answers nobody meanwhile; a transaction takes milliseconds, so this is a disk that hangs
)
SCHEMA = """
CREATE TABLE IF NOT EXISTS jobs (
    project TEXT NOT NULL, job TEXT NOT NULL, spider TEXT NOT NULL,
    message TEXT NOT NULL, priority REAL NOT NULL, scheduled REAL NOT NULL,
    starts INTEGER NOT NULL DEFAULT 0, token TEXT, started REAL, log TEXT, version TEXT, egg_sha256 TEXT,
    watcher INTEGER, watcher_started REAL, pid INTEGER, pid_started REAL, boot TEXT,
    ended REAL, exit_status INTEGER, finish_reason TEXT,
    PRIMARY KEY (project, job)
);
CREATE INDEX IF NOT EXISTS jobs_ended ON jobs (ended);
CREATE TABLE IF NOT EXISTS eggs (
    activation INTEGER PRIMARY KEY AUTOINCREMENT,
    project TEXT NOT NULL, version TEXT NOT NULL, sha256 TEXT NOT NULL, bytes INTEGER NOT NULL,
    spiders TEXT NOT NULL, validated REAL NOT NULL, activated REAL NOT NULL,
    UNIQUE (project, version)
);
"""


class Database:
    """Opens a connection for each transaction: threads, the daemon and the runners of crawls use the file at once.

    A transaction takes well under a millisecond, and one that must wait for another process waits `busy_seconds`
    at most, then raises sqlite3.OperationalError, as a full disk does.
    """

    def __init__(self, path: Path, *, busy_seconds: float = BUSY_SECONDS) -> None:
        self.path = path
        self._busy_seconds = busy_seconds

    @classmethod
    def of(cls, config: Any) -> Database:
        """Return the daemon's: the file in Scrapyd's `dbs_dir`, made if it is not there."""
        path = Path(config.get("dbs_dir", "dbs")).absolute() / NAME
        database = cls(path, busy_seconds=DAEMON_BUSY_SECONDS)
        database.create()
        return database

    def create(self) -> None:
        """Make folder and tables where they are missing."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with closing(self._connect()) as connection:
            connection.executescript(SCHEMA)

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Lend a connection for queries."""
        with closing(self._connect()) as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """Lend a connection in a transaction that is committed at the end, or rolled back with the exception."""
        with closing(self._connect()) as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                connection.rollback()
                raise
            connection.commit()

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self.path, timeout=self._busy_seconds, isolation_level=None)
        connection.row_factory = sqlite3.Row
        return connection
