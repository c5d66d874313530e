"""The pool: connections to whichever server is the primary now, and to standbys that are not far behind."""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import psycopg2
from sqlalchemy import event
from sqlalchemy.exc import DisconnectionError, InvalidRequestError
from sqlalchemy.exc import TimeoutError as AllLent
from sqlalchemy.pool import QueuePool

from image_spider.catalog.engine import public_url
from image_spider.catalog.pool.address import parse_url
from image_spider.catalog.pool.connect import connect
from image_spider.catalog.pool.connection import Connection
from image_spider.catalog.pool.monitor import Monitor
from image_spider.catalog.pool.node import Node
from image_spider.catalog.pool.probe import state_of
from image_spider.catalog.pool.sqlstates import Verdict, verdict
from image_spider.catalog.pool.survey import LOOK_SECONDS, Survey
from image_spider.catalog.pool.view import View
from image_spider.catalog.pool.watchdog import Watchdog
from image_spider.exceptions import (
    CatalogBusy,
    CatalogError,
    CatalogRefused,
    CommitUnknown,
    ConflictingPrimaries,
    FailoverInProgress,
    NoPrimary,
    StatementTooLong,
)

IDLE, MORE = 5, 10  # connections kept open, and how many more may be open at a time
ROOM_SECONDS = 10.0  # for one of them to be given back
ATTEMPTS_SECONDS = 1.0  # for making one connection, when the primary was just lost or is full
FIRST_SECONDS = LOOK_SECONDS + 0.5  # at least, for the very first look
STATEMENT_SECONDS = 60.0
WAIT_SECONDS = 30.0
LAG_SECONDS = 5.0
# The server ends what a client that is cut off or frozen has left behind: locks of its transaction, for which all other
# writers wait, and statements that wait for a lock themselves. DATABASE_URL's own options win.
WATCHED = "-c client_connection_check_interval=5s"
WRITING = "-c idle_in_transaction_session_timeout=30s"
_ERRORS: dict[Verdict, type[CatalogError]] = {
    Verdict.RETRY: CatalogBusy,
    Verdict.REROUTE: FailoverInProgress,
    Verdict.UNKNOWN_COMMIT: CommitUnknown,
    Verdict.CONFIGURATION: CatalogRefused,
}


class Pool:
    """Connections to a cluster whose primary may change. Every method may block: call it from a thread.

    `writers` and `readers` are the SQLAlchemy pools behind it, for engines. statement_seconds bounds each statement and
    COMMIT on our side: it must be longer than the longest honest one. changed is called, in a thread of the pool, with
    each view that differs in the primary. Nothing is connected and no thread runs before the first call. Use one pool
    per process and cluster: each probes all servers.
    """

    def __init__(
        self,
        url: str,
        *,
        patroni_urls: Sequence[str] = (),
        statement_seconds: float = STATEMENT_SECONDS,
        lag_seconds: float = LAG_SECONDS,
        changed: Callable[[View], object] = bool,
    ) -> None:
        self.name = public_url(url)
        self.stop: Callable[[], bool] = bool  # asked once a second by those who wait: whether to give up
        self.statement_seconds = statement_seconds  # of connections made from now on
        self._cluster = parse_url(url)
        self._tell = changed
        survey = Survey(self._cluster, patroni_urls=patroni_urls)
        self._monitor = Monitor(survey, lag_seconds=lag_seconds, changed=self._changed)
        self._watchdog = Watchdog(slow=self._monitor.doubt)
        self.writers = self._queue(self._check_writer, readonly=False)
        self.readers = self._queue(self._check_reader, readonly=True)

    def primary(self, *, seconds: float = WAIT_SECONDS) -> Node:
        """Return the server that is written to, waiting for one so long.

        Raises NoPrimary, of which ConflictingPrimaries is one, or CatalogRefused.
        """
        primary = self.wait(readonly=False, seconds=seconds).primary
        assert primary
        return primary

    def wait(self, *, readonly: bool, seconds: float) -> View:
        """Return the view when it has a server to write to, or to read from; raises what primary() raises."""

        def wanted(view: View) -> bool:
            return bool(view.primary or (readonly and view.readers) or view.choice.refused)

        if not self._monitor.view.look:  # nobody can have an answer at once
            seconds = max(seconds, FIRST_SECONDS)
        view = self._monitor.wait(wanted, seconds=seconds, stop=self.stop)
        if view.primary or (readonly and view.readers):
            return view
        kind = CatalogRefused if view.choice.refused else ConflictingPrimaries if view.choice.conflict else NoPrimary
        raise kind(f"the catalog {self.name} failed: no server takes writes: {view.choice.reason}")

    def nodes(self, *, seconds: float = WAIT_SECONDS) -> tuple[Node, ...]:
        """Return the servers in the order of the URL, as they were at the last look."""
        return self._monitor.wait(lambda view: view.look > 0, seconds=seconds).nodes

    @contextmanager
    def connection(self, *, readonly: bool = False, seconds: float = WAIT_SECONDS) -> Iterator[Connection]:
        """Lend a psycopg2 connection for one transaction, which is committed at the end or rolled back.

        readonly prefers a standby within the lag bound. Raises what primary() raises, and FailoverInProgress or
        CommitUnknown for work that may be run again.
        """
        view = self._monitor.view
        if not (view.readers if readonly else view.primary):
            self.wait(readonly=readonly, seconds=seconds)
        try:
            lent = (self.readers if readonly else self.writers).connect()
        except (InvalidRequestError, AllLent) as error:  # the primary changed twice meanwhile, or many work at once
            raise self.failed(error) from error
        connection: Any = lent.dbapi_connection
        try:
            yield connection
            connection.commit()
        except psycopg2.Error as error:
            raise self.failed(error, connection) from error
        finally:
            if connection.closed:
                lent.invalidate()
            lent.close()  # rolls back what is not committed

    def failed(self, error: BaseException, connection: Connection | None = None) -> CatalogError:
        """Return an error in our words; one that speaks of the primary's end lets the monitor look at once.

        A statement that was cut is looked after before this returns: its server is frozen, or it takes too long.
        """
        if isinstance(error, AllLent):
            return self._error(CatalogBusy, error)
        judged = verdict(error) if isinstance(error, psycopg2.Error) else Verdict.REROUTE
        if judged in (Verdict.REROUTE, Verdict.UNKNOWN_COMMIT):
            self._monitor.suspect(connection.generation if connection else self._monitor.view.generation)
        if judged is Verdict.REROUTE and connection and connection.overdue and self._is_well(connection):
            return StatementTooLong(
                f"the catalog {self.name} failed: a statement took longer than CATALOG_STATEMENT_SECONDS "
                f"({connection.statement_seconds:g}) on {connection.address}, which is well: set a longer time"
            )
        return self._error(_ERRORS.get(judged, CatalogError), error)

    def close(self) -> None:
        """Close every connection that is not lent, and end the threads."""
        self._monitor.close()
        self._watchdog.close()
        self.writers.dispose()
        self.readers.dispose()

    def _error(self, kind: type[CatalogError], error: BaseException) -> CatalogError:
        return kind(f"the catalog {self.name} failed: {' '.join(str(error).split())}")

    def _is_well(self, connection: Connection) -> bool:
        """Look, and tell whether the server of a connection still is what it was lent for."""
        view = self._monitor.wait(lambda view: view.look > 0, seconds=FIRST_SECONDS, stop=self.stop)
        if connection.for_reading:
            return self._monitor.settled and connection.address in view.readers
        return self._monitor.settled and bool(view.primary) and view.generation == connection.generation

    def _changed(self, view: View) -> None:
        """Cut the connections to an old primary: what is waited for there never comes, and must not be written.

        It may have the address of the new one, if a proxy stands before them.
        """
        if view.primary:
            serving = {view.primary.address, *view.readers}

            def old(connection: Connection) -> bool:
                return connection.generation < view.generation and not (
                    connection.for_reading and connection.address in serving
                )

            self._watchdog.cut(old)
        self._tell(view)

    # SQLAlchemy's pools

    def _queue(self, check: Callable[..., None], *, readonly: bool) -> QueuePool:
        queue = QueuePool(
            partial(self._connect, readonly=readonly),
            pool_size=IDLE,
            max_overflow=MORE,
            timeout=ROOM_SECONDS,
            use_lifo=True,
        )
        event.listen(queue, "checkout", check)
        return queue

    def _connect(self, *, readonly: bool) -> Connection:
        deadline = time.monotonic() + ATTEMPTS_SECONDS
        pause = 0.05
        while True:
            try:
                view = self.wait(readonly=readonly, seconds=ATTEMPTS_SECONDS)
            except NoPrimary as error:  # how long that is waited for is for the caller to say
                raise FailoverInProgress(str(error)) from error
            try:
                return self._connect_to(view, readonly=readonly)
            except psycopg2.Error as error:
                self._monitor.suspect(view.generation)
                if state_of(str(error)) == "refused":
                    raise self._error(CatalogRefused, error) from error
                if time.monotonic() > deadline:
                    raise
            time.sleep(pause * random.uniform(0.5, 1))  # noqa: S311 - a server that is full gets no storm
            pause = min(1.0, 2 * pause)

    def _connect_to(self, view: View, *, readonly: bool) -> Connection:
        address = random.choice(view.readers) if readonly else view.primary.address  # type: ignore[union-attr]  # noqa: S311
        options = WATCHED if readonly else f"{WATCHED} {WRITING}"
        if math.isfinite(self.statement_seconds):  # who waits for a lock is not cut: nothing is wrong with its server
            options += f" -c lock_timeout={max(1, round(self.statement_seconds * 500))}"  # milliseconds, half of it
        connection = connect(address, self._cluster.parameters, options=options)
        connection.generation = view.generation
        connection.for_reading = readonly
        connection.statement_seconds = self.statement_seconds
        self._watchdog.watch(connection)
        if not readonly and not connection.writable:
            connection.close()
            raise psycopg2.OperationalError(f"{address} takes no writes")
        return connection

    # Checked without a word to the server, whenever a connection is lent

    def _check_writer(self, connection: Connection, *_: object) -> None:
        view = self._monitor.view
        usable = view.primary and connection.generation == view.generation and self._monitor.settled
        if not usable or connection.gone or connection.read_only:
            raise DisconnectionError

    def _check_reader(self, connection: Connection, *_: object) -> None:
        if connection.gone or connection.address not in self._monitor.view.readers:
            raise DisconnectionError
