"""Bytes that came over the network, by crawl: what a crawl's max_bytes counts."""

from __future__ import annotations

import secrets
from collections import Counter
from itertools import count


class Traffic:
    """Counts what this process receives, and adds what it knows of the other ones of a fleet."""

    def __init__(self) -> None:
        self._received: Counter[str] = Counter()
        self._others: dict[str, int] = {}
        self._name = secrets.token_hex(8)
        self._numbers = count()
        self._receivers: dict[str, str] = {}

    def add(self, crawl_id: str, number: int) -> None:
        """Count bytes that came now."""
        if crawl_id not in self._received:
            self._receivers[crawl_id] = f"{self._name}-{next(self._numbers)}"
        self._received[crawl_id] += number

    def crawls(self) -> tuple[str, ...]:
        """Return the crawls for which bytes came."""
        return tuple(self._received)

    def received(self, crawl_id: str) -> int:
        """Return the bytes that this process has received for a crawl."""
        return self._received[crawl_id]

    def receiver(self, crawl_id: str) -> str:
        """Return the name under which the bytes of a crawl are told: a new one for one that was forgotten."""
        return self._receivers[crawl_id]

    def total(self, crawl_id: str) -> int:
        """Return the bytes of a crawl, as far as this process knows."""
        return self._received[crawl_id] + self._others.get(crawl_id, 0)

    def told(self, crawl_id: str, received: int, *, total: int) -> None:
        """Note what the fleet had received when this process had received so much."""
        self._others[crawl_id] = total - received

    def forget(self, crawl_id: str) -> None:
        """Drop the counts of a crawl that is over."""
        del self._received[crawl_id], self._receivers[crawl_id]
        self._others.pop(crawl_id, None)
