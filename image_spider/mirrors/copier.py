"""A thread that keeps one mirror up to date while a crawl runs."""

from __future__ import annotations

import logging
import math
import random
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from image_spider.exceptions import ImageSpiderError
from image_spider.mirrors.copying import BATCH_COPIES, Copied
from image_spider.mirrors.pauses import mirror_pause

if TYPE_CHECKING:
    from image_spider.mirrors.copying import Copying

logger = logging.getLogger(__name__)

IDLE_SECONDS = 1.0  # between two looks at an empty queue


class Copier:
    """Copies until it is told to end. Of a mirror that is away it tells once, and once more when it is back."""

    def __init__(self, copying: Copying, *, tell: Callable[[Copied], object]) -> None:
        self._copying = copying
        self._tell = tell
        self._ending = threading.Event()
        self._deadline = math.inf
        self._failures = 0
        self._named: set[str] = set()
        # A daemon, though its copies are not: a crawl that is ended by force waits for those that are under way.
        self._thread = threading.Thread(target=self._run, name=f"mirror {copying.mirror.name}", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def end(self, *, seconds: float) -> None:
        """Copy what is queued by now, for as many seconds, then give back what has not begun."""
        self._deadline = time.monotonic() + seconds
        self._ending.set()

    def join(self) -> None:
        """Wait for the end, if it has begun."""
        if self._thread.ident is not None:
            self._thread.join()
        self._copying.close()

    def _run(self) -> None:
        while True:
            ending = self._ending.is_set()  # before the look: what was queued by then is seen
            copied = self._step()
            self._note(copied)
            self._tell(copied)
            busy = copied.claimed and not copied.away
            if ending and (not busy or self._late()):
                return
            if not busy:
                pause = mirror_pause(self._failures) if copied.away else IDLE_SECONDS
                self._ending.wait(pause * random.uniform(0.5, 1))  # noqa: S311 - not all workers at one moment

    def _late(self) -> bool:
        return time.monotonic() >= self._deadline

    def _step(self) -> Copied:
        """Copy a batch, of one file while the mirror is away: that is enough to ask how it is."""
        try:
            return self._copying.step(limit=1 if self._failures else BATCH_COPIES, halted=self._late)
        except ImageSpiderError as error:
            return Copied(away=str(error))
        except Exception as error:  # the outermost frame of a thread that nobody else looks after
            logger.exception("Copying to the mirror %s failed", self._copying.mirror.name)
            return Copied(away=repr(error))

    def _note(self, copied: Copied) -> None:
        name = self._copying.mirror.name
        if copied.away and not self._failures:
            logger.warning("The mirror %s waits, and the crawl goes on: %s", name, copied.away)
        if self._failures and copied.files:
            logger.info("The mirror %s is back", name)
        if copied.away:
            self._failures += 1
        elif copied.files:  # an empty queue tells nothing of the mirror
            self._failures = 0
        for line in {*copied.damaged} - self._named:  # each is tried again and again
            logger.warning(
                "Not copied to the mirror %s: %s: `scrapy catalog check-images --repair` mends it", name, line
            )
        self._named.update(copied.damaged)
