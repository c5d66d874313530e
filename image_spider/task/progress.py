"""How far a task is: counted by the crawl's thread, read by that of the heartbeat."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from threading import Lock

from image_spider.items import Failure
from image_spider.urls import without_credentials

SHOWN_FAILURES = 100  # in the summary; the catalog has all


class Progress:
    """Counts pages by the URL that was asked for first, before any redirect.

    A page is known from the moment that it is queued, or named as a target, and settled once: read, failed, or neither
    (it led to another site, or is no page). Hashes of the URLs are kept, some 60 bytes each.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._started = clock()
        self._lock = Lock()
        self._pending: set[int] = set()
        self._crawled = 0
        self._successful = 0
        self._current_url = ""
        self._stage = "starting"
        self._percentage = 0.0
        self._data_items = 0
        self._errors = 0
        self._failed: Counter[str] = Counter()  # by cause
        self._first_failed: list[dict[str, str]] = []

    def enter(self, stage: str) -> None:
        """Note what the task does now."""
        with self._lock:
            self._stage = stage

    def known(self, url: str) -> bool:
        """Note a page that is to be read; tell whether it is new among those that are not settled."""
        with self._lock:
            before = len(self._pending)
            self._pending.add(hash(url))
            return len(self._pending) > before

    def dropped(self, url: str) -> None:
        """Forget a page that will not be asked for after all."""
        with self._lock:
            self._pending.discard(hash(url))

    def fetching(self, url: str) -> None:
        """Note the page that is asked for now."""
        with self._lock:
            self._current_url = without_credentials(url)

    def settled(self, url: str, *, read: bool, failure: Failure | None = None) -> None:
        """Note what became of a page; only the first word on each counts."""
        with self._lock:
            if hash(url) not in self._pending:
                return
            self._pending.remove(hash(url))
            self._crawled += 1
            self._successful += read
            if failure:
                self._failed[failure.cause] += 1
                if len(self._first_failed) < SHOWN_FAILURES:
                    shown = without_credentials(url)
                    self._first_failed.append({"url": shown, "cause": failure.cause, "detail": failure.detail})

    def add_items(self, number: int) -> None:
        """Count data items that are written."""
        with self._lock:
            self._data_items += number

    def add_error(self) -> None:
        """Count something else than a page that failed: an image, or our own code."""
        with self._lock:
            self._errors += 1

    def finish(self) -> None:
        """Settle what is left of a crawl that has ended by itself: duplicates under another URL."""
        with self._lock:
            self._crawled += len(self._pending)
            self._pending.clear()
            self._percentage = 100.0

    def snapshot(self) -> dict[str, object]:
        """Return the heartbeat's `progress`. The percentage never falls, and is below 100 until the task is done."""
        with self._lock:
            total, failed = len(self._pending) + self._crawled, self._failed.total()
            if self._percentage < 100:
                self._percentage = max(self._percentage, min(99.0, round(100 * self._crawled / max(total, 1), 1)))
            return {
                "total_urls": total,
                "crawled_urls": self._crawled,
                "successful_urls": self._successful,
                "failed_urls": failed,
                "current_url": self._current_url,
                "current_stage": self._stage,
                "percentage": self._percentage,
                "runtime_seconds": round(self._clock() - self._started, 3),
                "data_items": self._data_items,
                "error_count": failed + self._errors,
            }

    def failures(self) -> dict[str, object]:
        """Return the failed pages by cause, and the first ones."""
        with self._lock:
            return {"by_cause": dict(self._failed), "first": list(self._first_failed)}

    @property
    def successful(self) -> int:
        """Return how many pages were read."""
        return self._successful
