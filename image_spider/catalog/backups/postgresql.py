"""Backups of a PostgreSQL catalog: by pg_dump, and restored by renaming databases."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from threading import Event
from typing import Any

import psycopg2
from psycopg2 import errors, extensions
from psycopg2.sql import SQL, Identifier, Literal

from image_spider.catalog.backups.contents import Contents, read_contents
from image_spider.catalog.backups.database import Tell
from image_spider.catalog.backups.guard import SILENT_SECONDS, guarded
from image_spider.catalog.backups.manifest import Kind, Manifest
from image_spider.catalog.backups.programs import Programs, find_programs
from image_spider.catalog.engine import public_url
from image_spider.catalog.pool.address import Address, parse_url
from image_spider.catalog.pool.choice import choose_primary
from image_spider.catalog.pool.connect import SOCKET_OPTIONS, connect
from image_spider.catalog.pool.connection import Connection
from image_spider.catalog.pool.patroni import leader
from image_spider.catalog.recovery.nodes import look_at
from image_spider.exceptions import BackupError

LOCK_SECONDS = 2  # that a restore which has just ended may keep the next one waiting
SWAP_SECONDS = 30.0  # for which sessions that are ended and come back are ended again
CONNECT_SECONDS = 10  # for pg_dump and pg_restore
NAME_LENGTH = 40  # of a database's name that is kept in those made of it; PostgreSQL cuts at 63
TABLES = (
    "select relname from pg_class where relkind in ('r', 'p') and not relispartition"
    " and relnamespace = current_schema()::regnamespace"
)
OTHERS = "from pg_stat_activity where datname = %s and pid <> pg_backend_pid() and backend_type = 'client backend'"


class PostgresqlDatabase:
    """A catalog on the primary of a PostgreSQL server or cluster."""

    kind: Kind = "postgresql"

    def __init__(
        self,
        url: str,
        *,
        programs: Path | None,
        patroni_urls: Sequence[str] = (),
        silent_seconds: float = SILENT_SECONDS,
    ) -> None:
        self._url = url
        self._silent_seconds = silent_seconds
        self._patroni_urls = patroni_urls
        self._name = public_url(url)
        self._cluster = parse_url(url)
        self._primary: Address | None = None
        self._database = self._cluster.parameters["dbname"]
        self._elsewhere = "template1" if self._database == "postgres" else "postgres"
        self._scratch = f"{self._database[:NAME_LENGTH]}_restoring"
        self._programs = programs

    def dump(self, target: Path, *, tell: Tell) -> tuple[Contents, str]:
        """Write an archive in pg_dump's custom format, of the very snapshot whose rows are counted."""
        with self._errors(), self._connected(self._database) as connection:
            programs = find_programs(at_least=_major(connection), folder=self._programs)
            connection.set_session(isolation_level="REPEATABLE READ", readonly=True)
            tell("counting rows")
            contents = _contents(connection)
            ((snapshot,),) = _query(connection, "select pg_export_snapshot()")
            arguments = ("--format=custom", f"--snapshot={snapshot}", f"--file={target}")
            self._run(programs, "pg_dump", connection, *arguments, tell=tell)
        return contents, f"pg_dump {programs.version}"

    def contents(self) -> Contents | None:
        """Return what the catalog holds; None when the server has no such database."""
        with self._errors():
            with self._connected_elsewhere() as connection:
                if not _query(connection, "select 1 from pg_database where datname = %s", self._database):
                    return None
            with self._connected(self._database) as connection:
                return _contents(connection)

    def require_idle(self) -> None:
        """Raise BackupError while anybody else is connected to the catalog."""
        with self._errors(), self._connected_elsewhere() as connection:
            ((number,),) = _query(connection, f"select count(*) {OTHERS}", self._database)
        if number:
            raise self._in_use(f"{number} other sessions are connected to it")

    @contextmanager
    def restored(self, file: Path, manifest: Manifest, *, tell: Tell) -> Iterator[str]:
        """Give the URL of a database made of the archive by pg_restore, owned by the user of DATABASE_URL."""
        with self._errors(), self._connected_elsewhere() as connection:
            self._lock(connection)
            written_by = int(manifest.program.split()[-1].partition(".")[0])
            programs = find_programs(at_least=max(_major(connection), written_by), folder=self._programs)
            try:
                self._drop_scratch(connection)  # what a killed restore left
                _run_sql(connection, self._creation(connection))
                with self._connected(self._scratch) as scratch:
                    options = ("--exit-on-error", "--no-owner", "--no-privileges")
                    self._run(programs, "pg_restore", scratch, *options, tell=tell, file=file)
                yield _with_database(self._url, self._scratch)
            finally:
                self._drop_scratch(connection)

    def contents_of(self, scratch: str) -> Contents:
        """Return what the scratch database holds."""
        del scratch  # there is one
        with self._errors(), self._connected(self._scratch) as connection:
            return _contents(connection)

    def swap(self, scratch: str, *, force: bool) -> str:
        """Rename both databases in one transaction; with force, end the sessions of others before."""
        del scratch
        kept = f"{self._database[:NAME_LENGTH]}_before_{datetime.now(UTC):%Y%m%d_%H%M%S}"
        with self._errors(), self._connected_elsewhere() as connection:
            live = _query(connection, "select 1 from pg_database where datname = %s", self._database)
            renames = [(self._database, kept)] if live else []
            renames.append((self._scratch, self._database))
            deadline = time.monotonic() + SWAP_SECONDS
            while True:
                if force:
                    _query(connection, f"select pg_terminate_backend(pid) {OTHERS}", self._database)
                try:
                    _rename(connection, renames)
                except errors.ObjectInUse as error:  # PostgreSQL has waited 5 s for them
                    if not force or time.monotonic() > deadline:
                        raise self._in_use(str(error).split("\n")[0]) from error
                else:
                    return kept if live else ""

    @contextmanager
    def _connected(self, database: str) -> Iterator[Any]:
        """Give a connection to the primary; it is cut when the server answers nobody any more."""
        connection = self._connect(database)
        with closing(connection), self._guarded(connection.cut):
            yield connection

    @contextmanager
    def _connected_elsewhere(self) -> Iterator[Any]:
        """Give one to a database of the server that is not the catalog: one in use cannot be renamed."""
        with self._connected(self._elsewhere) as connection:
            connection.autocommit = True
            yield connection

    def _connect(self, database: str) -> Connection:
        """Connect to the primary, which is looked for once: a restore must not go to a server that was left behind."""
        parameters = self._cluster.parameters | {"dbname": database}
        if self._primary is None:
            nodes = look_at(replace(self._cluster, parameters=parameters)).nodes
            choice = choose_primary(nodes, lock_holder=leader(self._patroni_urls, self._cluster.addresses))
            if choice.primary is None:
                raise BackupError(f"the catalog {self._name} has no primary: {choice.reason}")
            self._primary = choice.primary.address
        return connect(self._primary, parameters)

    def _guarded(self, end: Callable[[], object]) -> AbstractContextManager[Event]:
        assert self._primary
        parameters = self._cluster.parameters | {"dbname": self._elsewhere}
        return guarded(self._primary, parameters, end=end, silent_seconds=self._silent_seconds)

    def _lock(self, connection: Any) -> None:
        """Keep other restores of this catalog away for as long as the connection lasts.

        One that has ended holds the lock a moment longer, until the server has seen its connection close.
        """
        _run_sql(connection, f"set lock_timeout = '{LOCK_SECONDS}s'")
        try:
            _run_sql(connection, SQL("select pg_advisory_lock(hashtext({}))").format(Literal(self._scratch)))
        except errors.LockNotAvailable:
            what = f"another restore or verify of the catalog {self._name} is running: let it end first"
            raise BackupError(what) from None
        _run_sql(connection, "set lock_timeout = 0")

    def _creation(self, connection: Any) -> Any:
        """Return the statement that creates the scratch database, with the encoding and locale of the catalog."""
        query = "select pg_encoding_to_char(encoding), datcollate, datctype from pg_database where datname = %s"
        create = SQL("create database {} template template0").format(Identifier(self._scratch))
        for encoding, collate, ctype in _query(connection, query, self._database):
            options = SQL(" encoding {} lc_collate {} lc_ctype {}")
            create += options.format(Literal(encoding), Literal(collate), Literal(ctype))
        return create

    def _drop_scratch(self, connection: Any) -> None:
        _run_sql(connection, SQL("drop database if exists {} with (force)").format(Identifier(self._scratch)))

    def _run(
        self, programs: Programs, program: str, connection: Any, *options: str, tell: Tell, file: Path | None = None
    ) -> None:
        """Run a program on the database and the very server of a connection; the password goes by a file."""
        with tempfile.TemporaryDirectory(prefix="image_spider-") as folder:
            given: dict[str, Any] = {**SOCKET_OPTIONS, "connect_timeout": CONNECT_SECONDS}
            given |= {name: value for name, value in self._cluster.parameters.items() if name != "password"}
            given |= {"host": connection.info.host, "port": connection.info.port, "dbname": connection.info.dbname}
            if password := self._cluster.parameters.get("password"):
                given["passfile"] = str(_password_file(Path(folder), str(password)))
            address = f"--dbname={extensions.make_dsn(**given)}"
            programs.run(program, address, *options, *([str(file)] if file else []), guard=self._guarded, tell=tell)

    def _in_use(self, reason: str) -> BackupError:
        return BackupError(
            f"the catalog {self._name} is in use: {reason}. Stop crawls and console, or end them by --force"
        )

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except errors.InsufficientPrivilege as error:
            raise BackupError(
                f"the user of {self._name} may not do this: {_one_line(error)}. To verify and restore, it must own the "
                "catalog's database and have the right CREATEDB"
            ) from error
        except psycopg2.Error as error:
            raise BackupError(f"the catalog {self._name} failed: {_one_line(error)}") from error


def _contents(connection: Any) -> Contents:
    return read_contents(lambda query: _query(connection, query), tables=TABLES)


def _query(connection: Any, query: Any, *parameters: object) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(query, parameters or None)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows


def _run_sql(connection: Any, statement: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


def _rename(connection: Any, renames: list[tuple[str, str]]) -> None:
    """Rename databases, all or none: a kill of whoever takes part leaves the names as they were."""
    _run_sql(connection, "begin")
    try:
        for old, new in renames:
            _run_sql(connection, SQL("alter database {} rename to {}").format(Identifier(old), Identifier(new)))
        _run_sql(connection, "commit")
    except psycopg2.Error:
        if not connection.closed:
            _run_sql(connection, "rollback")
        raise


def _major(connection: Any) -> int:
    return int(connection.info.server_version) // 10_000


def _with_database(url: str, database: str) -> str:
    """Return the URL of another database of the same server."""
    address, mark, query = url.partition("?")
    return f"{address.rpartition('/')[0]}/{database}{mark}{query}"


def _password_file(folder: Path, password: str) -> Path:
    """Write a file that libpq reads the password from: neither the command line nor the environment shows it."""
    file = folder / "password"
    file.touch(mode=0o600)
    escaped = password.replace("\\", "\\\\").replace(":", "\\:")
    file.write_text(f"*:*:*:*:{escaped}\n", encoding="utf-8")
    return file


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())
