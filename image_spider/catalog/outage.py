"""Whether anybody waits for the catalog, and why: told once when it begins and once when it is over."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Waiting:
    """One piece of work that may have to wait."""

    def __init__(self, began: Callable[[Waiting, str], None]) -> None:
        self._began = began

    def began(self, reason: str) -> None:
        """Say that it waits, and why."""
        self._began(self, reason)


class Outage:
    """Counts who waits, in any thread.

    tell is called with the reason of the first, and with "" when work succeeds and nobody waits any more. What a
    standby did at once does not count: it says nothing of the primary. Work that has waited in vain says so by
    its error.
    """

    def __init__(self) -> None:
        self.tell: Callable[[str], object] = bool
        self._lock = threading.Lock()
        self._waiting: set[Waiting] = set()
        self._told = False

    @contextmanager
    def possible(self, *, may_lag: bool = False) -> Iterator[Waiting]:
        """Give something to say it with, for the time of the work; may_lag tells that a standby may do it."""
        waiting = Waiting(self._begin)
        succeeded = False
        try:
            yield waiting
            succeeded = True
        finally:
            with self._lock:
                proves = succeeded and (not may_lag or waiting in self._waiting)
                self._waiting.discard(waiting)
                if self._told and proves and not self._waiting:
                    self._told = False
                    self.tell("")

    def _begin(self, waiting: Waiting, reason: str) -> None:
        with self._lock:
            self._waiting.add(waiting)
            if not self._told:
                self._told = True
                self.tell(reason)
