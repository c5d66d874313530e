"""Bytes that came over the network, by crawl: what a crawl's max_bytes counts."""

from __future__ import annotations

from collections import Counter


class Traffic:
    """Counts what this process receives, and adds what it knows of the other ones of a fleet."""

    def __init__(self) -> None:
        self._received: Counter[str] = Counter()
        self._others: dict[str, int] = {}

    def add(self, crawl_id: str, number: int) -> None:
        """Count bytes that came now."""
        self._received[crawl_id] += number

    def crawls(self) -> tuple[str, ...]:
        """Return the crawls for which bytes came."""
        return tuple(self._received)

    def received(self, crawl_id: str) -> int:
        """Return the bytes that this process has received for a crawl."""
        return self._received[crawl_id]

    def total(self, crawl_id: str) -> int:
        """Return the bytes of a crawl, as far as this process knows."""
        return self._received[crawl_id] + self._others.get(crawl_id, 0)

    def told(self, crawl_id: str, received: int, *, total: int) -> None:
        """Note what the fleet had received when this process had received so much."""
        self._others[crawl_id] = total - received

    def forget(self, crawl_id: str) -> None:
        """Drop the counts of a crawl that is over."""
        del self._received[crawl_id]
        self._others.pop(crawl_id, None)
