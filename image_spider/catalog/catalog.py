"""One catalog: opened, read and written, with every database error turned into a CatalogError."""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, Self, TypeVar

import psycopg2
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError, InvalidRequestError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as AllLent

from image_spider.catalog import migrate
from image_spider.catalog.engine import postgresql_engine, public_url, sqlite_engine, sqlite_file
from image_spider.catalog.outage import Outage, Waiting
from image_spider.catalog.pool.patroni import patroni_urls
from image_spider.catalog.pool.pool import STATEMENT_SECONDS, Pool
from image_spider.exceptions import (
    CatalogBusy,
    CatalogError,
    CommitUnknown,
    FailoverInProgress,
    NoPrimary,
    StatementTooLong,
)

if TYPE_CHECKING:
    from image_spider.config import Config

T = TypeVar("T")

OPEN_SECONDS = 30.0  # for a server to be found at the start: Patroni takes 19 to replace a node that is lost
PATIENCE_SECONDS = 1.0  # before waiting is called an outage
SHORTEST_SECONDS, LONGEST_SECONDS = 0.02, 1.0  # between two attempts
AGAIN = (CatalogBusy, FailoverInProgress, CommitUnknown, StatementTooLong)
NOT_LENT = (InvalidRequestError, AllLent)  # by SQLAlchemy's pool: the primary changed twice, or all are in use
MOST_CUTS = 3  # of one piece of work: one may be that of a server which has just thawed


class Catalog:
    """The SQL database behind a crawl. Every method blocks: call it from a thread.

    On PostgreSQL a Pool finds the primary. retry_seconds is how long work is tried again while a server is away, or
    another process holds the lock of an SQLite file.
    """

    def __init__(
        self,
        url: str,
        *,
        retry_seconds: float = 30.0,
        patroni_urls: Sequence[str] = (),
        statement_seconds: float = STATEMENT_SECONDS,
    ) -> None:
        self.name = public_url(url)
        self._retry_seconds = retry_seconds
        self._outage = Outage()
        self._give_up_at = math.inf
        self.pool: Pool | None = None
        if url.startswith("sqlite:"):
            self.engine = self._reader = sqlite_engine(url)
        else:
            self.pool = Pool(url, patroni_urls=patroni_urls, statement_seconds=statement_seconds)
            self.pool.stop = lambda: time.monotonic() > self._give_up_at
            self.engine = postgresql_engine(self.pool.writers)
            self._reader = postgresql_engine(self.pool.readers)

    @classmethod
    def from_config(cls, config: Config) -> Self:
        """Make the catalog that is written to, with all that the user has set about it."""
        return cls(
            config.DATABASE_URL,
            retry_seconds=config.CATALOG_RETRY_SECONDS,
            patroni_urls=[patroni.url for patroni in patroni_urls(config.PATRONI_URLS)],
            statement_seconds=config.CATALOG_STATEMENT_SECONDS,
        )

    def __enter__(self) -> Self:
        """Return the catalog; it is closed at the end."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close every connection."""
        self.close()

    def open(self, *, create: bool = True) -> None:
        """Connect and bring the tables to this version: at once on SQLite, elsewhere only by `scrapy catalog upgrade`.

        Raises SchemaOutdated, or CatalogError when the database cannot be reached or, unless it may be created, is
        not there.
        """
        file = sqlite_file(self.engine)
        if file and not create and not file.exists():
            raise CatalogError(f"there is no catalog {self.name} yet: run a crawl, or set DATABASE_URL or DATA_DIR")
        if self.pool is None:
            self.upgrade()
        else:
            seconds = min(OPEN_SECONDS, self._retry_seconds)
            self._again(migrate.check, partial(self._connected, self.engine), readonly=False, seconds=seconds)

    def upgrade(self) -> None:
        """Apply the migrations that are missing."""
        try:
            if file := sqlite_file(self.engine):
                file.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise CatalogError(f"cannot create the folder of the catalog {self.name}: {error.strerror}") from error
        if self.pool is None:
            self.transaction(migrate.upgrade)
            return
        self.pool.statement_seconds = math.inf  # to fill a new column of millions of rows takes its time
        connected = partial(self._connected, self.engine)
        self._again(migrate.upgrade_live, connected, readonly=False, seconds=self._retry_seconds)

    def close(self) -> None:
        """Close every connection."""
        self.engine.dispose()
        self._reader.dispose()
        if self.pool:
            self.pool.close()

    def on_outage(self, tell: Callable[[str], object]) -> None:
        """Call tell, from any thread, with the reason when work waits longer than a moment, and with "" at the end."""
        self._outage.tell = tell

    def give_up(self, *, seconds: float) -> None:
        """Let nothing wait longer than this from now on, for a process that wants to end."""
        self._give_up_at = min(self._give_up_at, time.monotonic() + seconds)

    @contextmanager
    def reading(self, *, may_lag: bool = False) -> Iterator[Connection]:
        """Give a connection for reading.

        may_lag prefers a standby some seconds behind: for what people look at, or what is only done twice if it is
        missed. What decides about writing or deleting must see the primary.
        """
        with self._outage.possible(may_lag=may_lag) as waiting:
            self._find_server(waiting, readonly=may_lag, deadline=time.monotonic() + self._retry_seconds)
        with self._connected(self._reader if may_lag else self.engine) as connection:
            yield connection

    def read(self, query: Callable[[Connection], T], *, may_lag: bool = False) -> T:
        """Return what a query returns; it is run again while servers are away, as a transaction is."""
        connected = partial(self._connected, self._reader if may_lag else self.engine)
        return self._again(query, connected, readonly=may_lag, seconds=self._retry_seconds)

    def transaction(self, work: Callable[[Connection], T]) -> T:
        """Run work in one transaction and commit it.

        Work is run again, from the start, when the connection is lost, also during its COMMIT, and while the database
        has no room or another process holds its lock, up to the deadline: it must be idempotent. Raises CatalogError
        after that, when its statements were cut MOST_CUTS times on a server that is well, and at once for every other
        error.
        """
        return self._again(work, self._writing, readonly=False, seconds=self._retry_seconds)

    # How

    def _again(
        self,
        work: Callable[[Connection], T],
        connected: Callable[[], AbstractContextManager[Connection]],
        *,
        readonly: bool,
        seconds: float,
    ) -> T:
        started = time.monotonic()
        pause = SHORTEST_SECONDS
        cuts = 0
        with self._outage.possible(may_lag=readonly) as waiting:
            while True:
                self._find_server(waiting, readonly=readonly, deadline=started + seconds)
                try:
                    with connected() as connection:
                        return work(connection)
                except AGAIN as error:
                    cuts += isinstance(error, StatementTooLong)
                    if cuts == MOST_CUTS or time.monotonic() > min(started + seconds, self._give_up_at):
                        raise
                    if time.monotonic() > started + PATIENCE_SECONDS:
                        waiting.began(str(error))
                time.sleep(pause * random.uniform(0.5, 1))  # noqa: S311
                pause = min(LONGEST_SECONDS, 2 * pause)

    def _find_server(self, waiting: Waiting, *, readonly: bool, deadline: float) -> None:
        """Wait until there is a server for it; raises NoPrimary or CatalogRefused."""
        if self.pool is None:
            return
        patient_until = min(deadline, time.monotonic() + PATIENCE_SECONDS)
        try:
            self.pool.wait(readonly=readonly, seconds=patient_until - time.monotonic())
        except NoPrimary as error:
            if patient_until == deadline:
                raise
            waiting.began(str(error))
            self.pool.wait(readonly=readonly, seconds=deadline - time.monotonic())

    @contextmanager
    def _connected(self, engine: Engine) -> Iterator[Connection]:
        try:
            connection = engine.connect()
        except SQLAlchemyError as error:
            raise self._error(error, connecting=True) from error
        lent: Any = connection.connection.dbapi_connection
        try:
            with connection:
                yield connection
        except SQLAlchemyError as error:
            raise self._error(error, lent) from error

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        with (
            self._connected(self.engine) as connection,
            connection.execution_options(begin="BEGIN IMMEDIATE").begin(),
        ):
            yield connection

    def _error(self, error: SQLAlchemyError, lent: Any = None, *, connecting: bool = False) -> CatalogError:
        cause = error.orig if isinstance(error, DBAPIError) else error
        if self.pool and (isinstance(cause, psycopg2.Error) or (connecting and isinstance(cause, NOT_LENT))):
            return self.pool.failed(cause, lent)
        busy = isinstance(error, OperationalError) and "locked" in str(cause)
        return (CatalogBusy if busy else CatalogError)(
            f"the catalog {self.name} failed: {' '.join(str(cause).split())}"
        )
