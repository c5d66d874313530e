"""A psycopg2 connection that another thread can cut, and whose COMMIT tells when it is not sure."""

from __future__ import annotations

import math
import os
import select
import socket
import threading
import time
from collections.abc import Callable
from contextlib import closing, suppress
from functools import wraps
from typing import Any

import psycopg2
from psycopg2 import extensions

from image_spider.catalog.pool.address import Address
from image_spider.catalog.pool.sqlstates import UncertainCommit, Verdict, verdict

_LOST = (Verdict.REROUTE, Verdict.UNKNOWN_COMMIT)


def _bounded(method: Callable[..., Any]) -> Callable[..., Any]:
    """Let a method of the cursor be cut when its connection's deadline passes."""

    @wraps(method)
    def run(self: extensions.cursor, *arguments: Any, **options: Any) -> Any:
        connection = self.connection
        connection.busy_since = time.monotonic()
        try:
            return method(self, *arguments, **options)
        finally:
            connection.busy_since = math.inf

    return run


class Cursor(extensions.cursor):  # type: ignore[misc]  # psycopg2 has no types
    """A cursor whose statements have a deadline on our side: a frozen server heeds none of its own."""

    execute = _bounded(extensions.cursor.execute)
    executemany = _bounded(extensions.cursor.executemany)
    callproc = _bounded(extensions.cursor.callproc)
    copy_expert = _bounded(extensions.cursor.copy_expert)
    fetchmany = _bounded(extensions.cursor.fetchmany)  # a cursor on the server is asked for more
    fetchall = _bounded(extensions.cursor.fetchall)


class Connection(extensions.connection):  # type: ignore[misc]
    """A connection to one server.

    statement_seconds bounds each statement and COMMIT, once a Watchdog looks after it. generation is that of the
    cluster's map when it was made.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.address = Address("", 0)
        self.generation = 0
        self.for_reading = False
        self.statement_seconds = math.inf
        self.busy_since = math.inf  # when the statement that runs now was sent, by time.monotonic()
        self.overdue = False  # whether it was cut because of that
        # A descriptor of our own for the same socket: libpq closes its when it likes, and the number may be another
        # connection's by the time that a second thread shuts it down.
        self._socket = os.dup(self.fileno())
        self._closing = threading.Lock()
        self._readable = select.poll()
        self._readable.register(self._socket, select.POLLIN)

    @property
    def gone(self) -> bool:
        """Whether an idle connection is of no use: its server has said something, and that can only be farewell."""
        return bool(self.closed or self._readable.poll(0))

    @property
    def read_only(self) -> bool:
        """Whether its server refuses writes, by what it told with its last answer (PostgreSQL 14 and newer)."""
        told = self.info.parameter_status
        return bool(told("in_hot_standby") == "on" or told("default_transaction_read_only") == "on")

    @property
    def writable(self) -> bool:
        """Whether its server takes writes; an old one, which does not tell, is asked."""
        if self.info.parameter_status("in_hot_standby") is not None:
            return not self.read_only
        with self.cursor() as cursor:
            cursor.execute("select pg_is_in_recovery() or current_setting('transaction_read_only') = 'on'")
            (refuses,) = cursor.fetchone()
        self.rollback()
        return not refuses

    def cut(self) -> None:
        """Shut the socket down, from any thread: who waits for this server learns that it is lost."""
        with self._closing:
            if self._socket >= 0:
                with suppress(OSError), closing(socket.socket(fileno=os.dup(self._socket))) as shared:
                    shared.shutdown(socket.SHUT_RDWR)

    def commit(self) -> None:
        """Commit; raises UncertainCommit when the server is lost meanwhile, or did not wait for its standby.

        A COMMIT whose wait for the standby is cancelled reports success, and a warning: any notice counts as one, as
        its words are in the server's language. `connect` lets nothing less than warnings through.
        """
        self.notices.clear()
        open_before = not self.closed
        self.busy_since = time.monotonic()
        try:
            super().commit()
        except psycopg2.Error as error:
            if open_before and (self.closed or verdict(error) in _LOST):
                raise UncertainCommit(f"lost during COMMIT: {error}") from error
            raise
        finally:
            self.busy_since = math.inf
        if self.notices:
            raise UncertainCommit(f"COMMIT was answered with {self.notices[0].strip()}")

    def rollback(self) -> None:
        """Roll back."""
        self.busy_since = time.monotonic()
        try:
            super().rollback()
        finally:
            self.busy_since = math.inf

    def close(self) -> None:
        """Close."""
        self._release()
        super().close()

    def _release(self) -> None:
        with self._closing:
            if self._socket >= 0:
                os.close(self._socket)
                self._socket = -1

    def __del__(self) -> None:
        """Give the descriptor back when a connection is forgotten rather than closed."""
        if hasattr(self, "_closing"):  # else it never was connected
            self._release()
