"""The figures of a run, read from Scrapy's stats."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class Figures:
    """Counts of this run so far.

    Stats keys: pages/fetched, pages/failed/<cause>, images/stored (new files), images/known (in the catalog, fresh,
    not downloaded again), images/duplicate (bytes this crawl has seen already), images/near_duplicate (new
    images that show what another one shows), images/failed/<cause>, images/bytes (of new files). New files include
    those that DUPLICATES=drop deletes again: they are images/failed/duplicate as well.
    """

    def __init__(self, stats: Mapping[str, Any]) -> None:
        self.pages: int = stats.get("pages/fetched", 0)
        self.stored: int = stats.get("images/stored", 0)
        self.known: int = stats.get("images/known", 0)
        self.duplicates: int = stats.get("images/duplicate", 0)
        self.near_duplicates: int = stats.get("images/near_duplicate", 0)
        self.bytes: int = stats.get("images/bytes", 0)
        self.page_failures = _by_cause(stats, "pages/failed/")
        self.image_failures = _by_cause(stats, "images/failed/")

    @property
    def images(self) -> int:
        """Unique images of the crawl that this run stored or met again."""
        return self.stored + self.known

    @property
    def failures(self) -> int:
        """Pages and candidates that were not taken."""
        return sum(self.page_failures.values()) + sum(self.image_failures.values())


def _by_cause(stats: Mapping[str, Any], prefix: str) -> dict[str, int]:
    return {key.removeprefix(prefix): count for key, count in sorted(stats.items()) if key.startswith(prefix)}
