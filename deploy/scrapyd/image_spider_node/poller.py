"""A poller that an error does not end: `poller` in scrapyd.conf."""

from __future__ import annotations

from typing import Any

from scrapyd.poller import QueuePoller
from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

log = Logger()


class Poller(QueuePoller):
    """Scrapyd's poller, of which no error gets out: a TimerService calls nothing again that failed once.

    A disk that is full for a moment would stop the node for good.
    """

    def poll(self) -> Deferred[Any]:
        """Hand waiting jobs to free slots; log what goes wrong, the next call comes by itself."""
        polled: Deferred[Any] = super().poll()
        return polled.addErrback(_log)


def _log(failure: Failure) -> None:
    log.error("The queues could not be read, the next try comes by itself: {error}", error=failure.getErrorMessage())
