"""What was noted lately, by key: bounded, and what was not noted for the longest time is forgotten first."""

from __future__ import annotations

from typing import TypeVar

from scrapy.utils.datatypes import LocalCache

K = TypeVar("K")
V = TypeVar("V")


class Recent(LocalCache[K, V]):
    """Scrapy's bounded dictionary forgets what came first, however often it was noted since; this one does not."""

    def __setitem__(self, key: K, value: V) -> None:
        """Note a value: its key is the newest now."""
        super().__setitem__(key, value)
        self.move_to_end(key)
