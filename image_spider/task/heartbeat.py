"""Heartbeats from a thread of their own, whatever the crawl does."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from image_spider.exceptions import ReportFailed
from image_spider.task.api import HEARTBEAT, MonitoringApi

logger = logging.getLogger(__name__)

POST_SECONDS = 10.0  # at most, for one of them


class Heartbeat:
    """Posts a report at once and then every `seconds`; one that fails is not sent again: the next one says more.

    The reactor has no part in it, so a crawl that is busy, blocked or not begun goes on being reported. Only what holds
    Python's interpreter lock in one piece, such as a regular expression without end, would stop it as well.
    """

    def __init__(self, *, api: MonitoringApi, report: Callable[[], dict[str, object]], seconds: float) -> None:
        self._api = api
        self._report = report
        self._seconds = seconds
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="heartbeat", daemon=True)
        self.sent = 0
        self.failed = 0

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self, *, seconds: float) -> None:
        """Send no more; wait so long for one that is under way, for none may follow the completion."""
        self._ending.set()
        if self._thread.is_alive():  # a task may end before it has begun
            self._thread.join(seconds)

    def _run(self) -> None:
        away = False
        while True:
            begun = time.monotonic()
            try:
                self._api.post(HEARTBEAT, self._report(), seconds=POST_SECONDS)
                self.sent += 1
                if away:
                    logger.info("The platform takes heartbeats again")
                away = False
            except Exception as error:  # noqa: BLE001 - whatever it is, such as no more threads: the next one may arrive
                self.failed += 1
                if not away:  # once for each outage
                    told = str(error) if isinstance(error, ReportFailed) else f"{type(error).__name__}: {error}"
                    logger.warning("A heartbeat did not arrive, the crawl goes on: %s", told)
                away = True
            if self._ending.wait(max(0.0, begun + self._seconds - time.monotonic())):
                return
