"""The one deadline that holds against a frozen server: its socket is shut down on our side."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from weakref import WeakSet

from image_spider.catalog.pool.connection import Connection

LOOK_SECONDS = 0.25
SLOW_SECONDS = 1.0  # without an answer, and the server may be gone: it is asked on another connection


class Watchdog:
    """A thread that cuts connections whose statement is overdue, and calls slow, more than once, well before that.

    A server that is stopped keeps its TCP connections alive: keepalives, tcp_user_timeout and its own
    statement_timeout all pass it by.
    """

    def __init__(self, *, slow: Callable[[], None]) -> None:
        self._slow = slow
        self._connections: WeakSet[Connection] = WeakSet()
        self._lock = threading.Lock()
        self._closed = threading.Event()
        self._thread: threading.Thread | None = None

    def watch(self, connection: Connection) -> None:
        """Look after a connection from now on."""
        with self._lock:
            self._connections.add(connection)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="catalog-watchdog", daemon=True)
                self._thread.start()

    def cut(self, wanted: Callable[[Connection], bool]) -> int:
        """Cut the connections that are wanted so; return their number."""
        with self._lock:
            found = [connection for connection in self._connections if wanted(connection)]
        for connection in found:
            connection.cut()
        return len(found)

    def close(self) -> None:
        """End the thread."""
        self._closed.set()

    def _run(self) -> None:
        while not self._closed.wait(LOOK_SECONDS):
            now = time.monotonic()
            with self._lock:
                waiting = [(connection, now - connection.busy_since) for connection in self._connections]
            for connection, seconds in waiting:
                if seconds > connection.statement_seconds:
                    connection.overdue = True
                    connection.cut()
            if any(seconds > SLOW_SECONDS for _, seconds in waiting):
                self._slow()
