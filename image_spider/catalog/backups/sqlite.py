"""Backups of an SQLite catalog: by its backup API, and restored by one rename."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from image_spider.catalog.backups.contents import Contents, read_contents
from image_spider.catalog.backups.database import Tell
from image_spider.catalog.backups.manifest import Kind, Manifest
from image_spider.exceptions import BackupError
from image_spider.fsync import fsync

PREFIX = "sqlite:///"
PAGES = 2000  # copied between two words of progress: 8 MB
BUSY_SECONDS = 5.0
TABLES = "select name from sqlite_master where type = 'table' and name not like 'sqlite_%'"
COMPANIONS = ("-wal", "-shm", "-journal")  # what SQLite may keep beside a database


class SqliteDatabase:
    """A catalog in a file."""

    kind: Kind = "sqlite"

    def __init__(self, url: str) -> None:
        self._file = Path(url.removeprefix(PREFIX))

    def dump(self, target: Path, *, tell: Tell) -> tuple[Contents, str]:
        """Copy the file as of one moment; writers go on meanwhile."""
        if not self._file.exists():
            raise BackupError(f"there is no catalog {self._file} yet: run a crawl, or set DATABASE_URL or DATA_DIR")

        def progress(_: int, remaining: int, total: int) -> None:
            tell(f"{100 - 100 * remaining // max(total, 1)} % copied")

        with self._errors(), closing(_connect(self._file)) as source, closing(_connect(target)) as copy:
            # Within a transaction of its own the source does not change, so the copy never has to begin again.
            source.execute("begin")
            contents = _contents(source)
            source.backup(copy, pages=PAGES, progress=progress)
            copy.execute("pragma journal_mode = delete")  # one file, with nothing beside it
        return contents, f"sqlite {sqlite3.sqlite_version}"

    def contents(self) -> Contents | None:
        """Return what the catalog holds; None when there is none. BackupError when it is damaged."""
        if not self._file.exists():
            return None
        try:
            with self._errors(), closing(_connect(self._file)) as connection:
                return _contents(connection)
        except BackupError as error:
            if isinstance(error.__cause__, sqlite3.OperationalError):
                raise
            raise BackupError(f"{error}. --force puts a backup in its place, and keeps it beside") from error

    def require_idle(self) -> None:
        """Raise BackupError while another process has the file open."""
        with self._errors(), closing(_connect(self._file)) as connection:
            _fold(connection)

    @contextmanager
    def restored(self, file: Path, manifest: Manifest, *, tell: Tell) -> Iterator[str]:
        """Give the URL of a checked copy of the backup, beside the catalog: a rename does not reach another disk."""
        del manifest
        scratch = self._file.with_name(f"{self._file.name}.restoring")
        try:
            with self._errors():
                scratch.parent.mkdir(parents=True, exist_ok=True)
                _remove(scratch)
                tell("copying")
                shutil.copyfile(file, scratch)
                tell("integrity_check")
                with closing(_connect(scratch)) as connection:
                    found = [row[0] for row in connection.execute("pragma integrity_check")]
                if found != ["ok"]:
                    raise BackupError(f"the backup {file} is damaged: {found[0]}")
            yield f"{PREFIX}{scratch}"
        finally:
            with suppress(OSError):  # the next one removes it
                _remove(scratch)

    def contents_of(self, scratch: str) -> Contents:
        """Return what the copy holds."""
        with self._errors(), closing(_connect(Path(scratch.removeprefix(PREFIX)))) as connection:
            return _contents(connection)

    def swap(self, scratch: str, *, force: bool) -> str:
        """Rename the copy over the catalog, which is kept under a second name before.

        A process that has the catalog open would go on writing to the old file, so there must be none, with force too.
        """
        new = Path(scratch.removeprefix(PREFIX))
        with self._errors(), closing(_connect(new)) as connection:
            _fold(connection)
        with self._errors():
            fsync(new)
            kept = self._keep(force=force) if self._file.exists() else ""
            new.replace(self._file)
            fsync(self._file.parent)
        return kept

    def _keep(self, *, force: bool) -> str:
        """Give the catalog a second name, and no companion that would be taken for the new one's."""
        kept = self._file.with_name(f"{self._file.name}.before-{datetime.now(UTC):%Y%m%dT%H%M%SZ}")
        try:
            with closing(_connect(self._file)) as connection:
                _fold(connection)
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.OperationalError) or not force:
                raise
            for suffix in COMPANIONS:  # of a damaged catalog: SQLite cannot fold them in any more
                with suppress(FileNotFoundError):
                    Path(f"{self._file}{suffix}").rename(f"{kept}{suffix}")
        try:
            kept.hardlink_to(self._file)
        except PermissionError:  # a file system without hard links
            shutil.copyfile(self._file, kept)
        fsync(self._file.parent)
        return str(kept)

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.OperationalError as error:
            if "locked" in str(error):
                raise BackupError(
                    f"another process has the catalog {self._file} open: let crawls and the console end first"
                ) from error
            raise BackupError(f"the catalog {self._file} or its backup failed: {error}") from error
        except sqlite3.DatabaseError as error:
            raise BackupError(f"the catalog {self._file} or its backup is damaged: {error}") from error
        except OSError as error:
            raise BackupError(f"cannot write beside the catalog {self._file}: {error.strerror or error}") from error


def _connect(file: Path) -> sqlite3.Connection:
    return sqlite3.connect(file, timeout=BUSY_SECONDS, isolation_level=None)


def _fold(connection: sqlite3.Connection) -> None:
    """Fold the write-ahead log into the file, which nobody else may have open: that is a "locked" error."""
    connection.execute("pragma journal_mode = delete").fetchone()


def _contents(connection: sqlite3.Connection) -> Contents:
    return read_contents(lambda query: connection.execute(query).fetchall(), tables=TABLES)


def _remove(file: Path) -> None:
    for suffix in ("", *COMPANIONS):
        Path(f"{os.fspath(file)}{suffix}").unlink(missing_ok=True)
