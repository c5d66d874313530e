"""The queue of copies: which images a mirror of the store lacks, and who copies them now.

A copy is claimed by moving its due time into the future, so that a worker which is killed needs nobody to notice: when
that time has come, another one takes it. The same file copied twice is the same file, so nothing depends on clocks but
how much is done twice.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, delete, func, literal, select, update
from sqlalchemy.dialects import postgresql, sqlite

from image_spider.catalog.schema import UtcDateTime, copies, images


@dataclass(frozen=True, slots=True, kw_only=True)
class Copy:
    """A file to be copied: its image, its path in every store, its size, and the attempts begun, this one included."""

    sha256: str
    path: str
    bytes: int
    attempts: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Behind:
    """How far a mirror is behind its store: files and bytes that it lacks, since when, and what the last error was.

    failing is the number of files whose last attempt failed; error is empty when there is none.
    """

    mirror: str
    files: int
    bytes: int
    since: datetime
    failing: int
    error: str


def queue_copies(connection: Connection, sha256s: Collection[str], *, mirrors: Iterable[str], now: datetime) -> None:
    """Queue images that have a row for each of the mirrors; a copy that is queued already stays as it is."""
    insert = (postgresql if connection.dialect.name == "postgresql" else sqlite).insert(copies)
    for mirror in mirrors if sha256s else ():
        at = literal(now, UtcDateTime)
        chosen = select(
            literal(mirror), images.c.sha256, images.c.path, images.c.bytes, at, at, literal(0), literal("")
        )
        ordered = chosen.where(images.c.sha256.in_(sha256s)).order_by(images.c.sha256)  # two writers lock in one order
        connection.execute(insert.from_select(copies.c.keys(), ordered).on_conflict_do_nothing())


def claim_copies(connection: Connection, *, mirror: str, now: datetime, until: datetime, limit: int) -> list[Copy]:
    """Take what is due longest, at most so many, for this worker alone until then."""
    due = (copies.c.mirror == mirror, copies.c.due_at <= now)
    columns = (copies.c.sha256, copies.c.path, copies.c.bytes, copies.c.attempts + 1)
    query = select(*columns).where(*due).order_by(copies.c.due_at).limit(limit)
    rows = connection.execute(query.with_for_update(skip_locked=True)).all()  # SQLite has the lock of the transaction
    claimed = [Copy(sha256=sha256, path=path, bytes=size, attempts=attempts) for sha256, path, size, attempts in rows]
    _change(connection, mirror, [copy.sha256 for copy in claimed], {"due_at": until, "attempts": copies.c.attempts + 1})
    return claimed


def finish_copies(connection: Connection, sha256s: Collection[str], *, mirror: str) -> None:
    """Take copies that are safe off the queue."""
    if sha256s:
        connection.execute(delete(copies).where(copies.c.mirror == mirror, copies.c.sha256.in_(sha256s)))


def postpone_copy(connection: Connection, sha256: str, *, mirror: str, due_at: datetime, error: str) -> None:
    """Let a copy that failed wait until then, with the reason."""
    _change(connection, mirror, [sha256], {"due_at": due_at, "error": error})


def release_copies(connection: Connection, sha256s: Collection[str], *, mirror: str, due_at: datetime) -> None:
    """Give back copies that were claimed and not begun."""
    _change(connection, mirror, sha256s, {"due_at": due_at, "attempts": copies.c.attempts - 1})


def hurry_copies(connection: Connection, *, mirror: str, now: datetime) -> None:
    """Let what failed be tried now, and not when its time has come."""
    waiting = (copies.c.mirror == mirror, copies.c.error != "", copies.c.due_at > now)
    connection.execute(update(copies).where(*waiting).values(due_at=now))


def behind(connection: Connection) -> list[Behind]:
    """Return how far each mirror is behind that is behind at all."""
    failed = func.count().filter(copies.c.error != "")
    columns = (copies.c.mirror, func.count(), func.sum(copies.c.bytes), func.min(copies.c.queued_at), failed)
    rows = connection.execute(select(*columns).group_by(copies.c.mirror).order_by(copies.c.mirror)).all()
    return [
        Behind(
            mirror=mirror,
            files=files,
            bytes=int(size),
            since=since,
            failing=failing,
            error=_last_error(connection, mirror) if failing else "",
        )
        for mirror, files, size, since, failing in rows
    ]


def forget_mirror(connection: Connection, mirror: str) -> int:
    """Delete the queue of a mirror that is one no more; return how many copies it held."""
    return connection.execute(delete(copies).where(copies.c.mirror == mirror)).rowcount


def _last_error(connection: Connection, mirror: str) -> str:
    failed = (copies.c.mirror == mirror, copies.c.error != "")
    return connection.scalar(select(copies.c.error).where(*failed).order_by(copies.c.due_at.desc()).limit(1)) or ""


def _change(connection: Connection, mirror: str, sha256s: Collection[str], values: dict[str, object]) -> None:
    if sha256s:
        chosen = (copies.c.mirror == mirror, copies.c.sha256.in_(sha256s))
        connection.execute(update(copies).where(*chosen).values(values))
