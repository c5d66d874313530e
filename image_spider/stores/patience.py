"""How long a store that is away is waited for."""

from __future__ import annotations

import logging
import math
import random
import time
from collections.abc import Callable
from typing import TypeVar

from image_spider.exceptions import StoreAway

PAUSE_SECONDS = 2.0  # at most, between two tries; half of it at least
END_SECONDS = 5.0  # for which a crawl that ends waits; what is in hand is done again then

T = TypeVar("T")
logger = logging.getLogger(__name__)


class Patience:
    """Makes calls again that raise StoreAway, for so many seconds; math.inf: until they succeed or the crawl ends.

    The calls must be ones that may be repeated. One warning tells that the store is away, one line that it is back.
    """

    def __init__(self, *, name: str, seconds: float) -> None:
        self._name = name
        self._seconds = seconds
        self._ending: Callable[[], bool] = lambda: False
        self._end = math.inf  # of all calls, once the crawl ends and the store is away
        self._away = False

    def end_when(self, ending: Callable[[], bool]) -> None:
        """Wait for END_SECONDS more at most, all calls together, once this is true; it is asked in any thread."""
        self._ending = ending

    def call(self, call: Callable[[], T]) -> T:
        """Return what the call returns; raise what it raises, its last StoreAway included."""
        limit = time.monotonic() + self._seconds
        while True:
            try:
                result = call()
            except StoreAway as error:
                self._tell(str(error))
                now = time.monotonic()
                if self._ending():
                    self._end = min(self._end, now + END_SECONDS)
                pause = random.uniform(PAUSE_SECONDS / 2, PAUSE_SECONDS)  # noqa: S311
                if now + pause > min(limit, self._end):
                    raise
                time.sleep(pause)
            else:
                self._tell("")
                return result

    def _tell(self, reason: str) -> None:
        if reason and not self._away:
            logger.warning("Waiting for the image store: %s", reason)
        elif self._away and not reason:
            logger.info("The image store %s is back", self._name)
        self._away = bool(reason)
