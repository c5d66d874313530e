"""What a node refuses, with the HTTP status that says so. Each crawl's watcher imports it: it imports little."""

from __future__ import annotations

import errno
import sqlite3

DISK_FULL = frozenset((errno.ENOSPC, errno.EDQUOT))


class Refused(Exception):
    """A request that is answered with this HTTP status and these words."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


def is_locked(failure: BaseException) -> bool:
    """Tell whether SQLite has waited in vain for another process."""
    # The lowest byte: https://sqlite.org/rescode.html#extrc
    return isinstance(failure, sqlite3.OperationalError) and failure.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY


def is_disk_full(failure: BaseException) -> bool:
    """Tell whether an error means that there is no room left."""
    if isinstance(failure, sqlite3.OperationalError):
        return failure.sqlite_errorcode == sqlite3.SQLITE_FULL
    return isinstance(failure, OSError) and failure.errno in DISK_FULL
