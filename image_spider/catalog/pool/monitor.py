"""The thread that knows where the primary is, and those who wait for it."""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable

from image_spider.catalog.pool.choice import with_lag
from image_spider.catalog.pool.survey import Survey
from image_spider.catalog.pool.view import View, next_view

logger = logging.getLogger(__name__)

STEADY_SECONDS = 10.0  # between two looks while all is well
SHORTEST_SECONDS, LONGEST_SECONDS = 0.1, 1.0  # while no server takes writes
SPACING_SECONDS = 0.05  # between two looks that borrowers ask for, as they had an error


class Monitor:
    """Looks at the servers for ever, in a thread of its own that the first waiter starts.

    changed is called in that thread with each view that differs in its generation, or in whether there is a primary.
    """

    def __init__(self, survey: Survey, *, lag_seconds: float, changed: Callable[[View], None]) -> None:
        self._survey = survey
        self._lag_seconds = lag_seconds
        self._changed = changed
        self._condition = threading.Condition()
        self._thread: threading.Thread | None = None
        self._closed = False
        self._suspected = False
        self._doubted = False
        self._alarm = ""
        self.view = View()

    def wait(self, wanted: Callable[[View], bool], *, seconds: float, stop: Callable[[], bool] = bool) -> View:
        """Return the first view that is wanted, or the last one when the time is over or `stop` says so."""
        deadline = time.monotonic() + seconds
        with self._condition:
            self._start()
            while not self._closed and (self._suspected or not wanted(self.view)):
                left = min(LONGEST_SECONDS, deadline - time.monotonic())  # `stop` is asked once a second
                if left <= 0 or stop():
                    break
                self._condition.wait(left)
            return self.view

    def suspect(self, generation: int) -> None:
        """Look again at once, as a borrower had trouble; nobody gets the primary before that."""
        with self._condition:
            if generation == self.view.generation:
                self._suspected = True
                self._condition.notify_all()

    def doubt(self) -> None:
        """Look again soon, as a borrower waits long; the primary is lent meanwhile."""
        with self._condition:
            self._doubted = True
            self._condition.notify_all()

    @property
    def settled(self) -> bool:
        """Whether the view may be used without waiting."""
        return not self._suspected

    def close(self) -> None:
        """End the thread, and let those go who wait."""
        with self._condition:
            self._closed = True
            self._condition.notify_all()
        if self._thread:
            self._thread.join()

    def _start(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="catalog-monitor", daemon=True)
            self._thread.start()

    def _run(self) -> None:
        well_at = time.monotonic()
        while not self._closed:
            try:
                self._look()
            except Exception:  # the process would wait for a primary for ever
                logger.exception("Looking for the primary failed; it is tried again")
            if self.view.primary or self.view.choice.refused:  # a wrong password is not sent again and again
                well_at = time.monotonic()
                seconds = STEADY_SECONDS
            else:  # a tenth of the outage so far is what noticing its end may add to it
                tenth = (time.monotonic() - well_at) / 10
                seconds = min(max(SHORTEST_SECONDS, tenth), LONGEST_SECONDS)
                seconds *= random.uniform(0.8, 1.2)  # noqa: S311 - many processes need not ask at once
            self._pause(seconds)

    def _pause(self, seconds: float) -> None:
        """Wait for the next look, or for a reason to take it earlier."""
        looked = time.monotonic()
        with self._condition:
            while not self._closed:
                reason = SPACING_SECONDS if self._suspected else LONGEST_SECONDS if self._doubted else seconds
                left = looked + min(reason, seconds) - time.monotonic()
                if left <= 0:
                    break
                self._condition.wait(left)

    def _look(self) -> None:
        with self._condition:
            suspected, before = self._suspected, self.view
            self._doubted = False
        choice, nodes = self._survey.look(before)
        nodes = with_lag(nodes, choice.primary)
        view = next_view(before, choice, nodes, lag_seconds=self._lag_seconds)
        self._warn(view)
        with self._condition:
            self.view = view
            if suspected:
                self._suspected = False
            if view.generation != before.generation and any(node.state == "unreachable" for node in nodes):
                self._doubted = True  # a promotion was believed before all had answered: one may be a second primary
            self._condition.notify_all()
        if view.generation != before.generation or bool(view.primary) != bool(before.primary) or before.look == 0:
            self._changed(view)

    def _warn(self, view: View) -> None:
        """Sound an alarm once."""
        alarm = view.choice.alarm
        if alarm and alarm != self._alarm:
            logger.error("Look after the catalog's cluster: %s", alarm)
        self._alarm = alarm
