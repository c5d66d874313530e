"""How many more images a crawl may take, exact while many downloads are in flight."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

from scrapy.utils.datatypes import LocalCache

RECENT = 20_000  # without a limit, duplicates are told among this many images


class Budget:
    """Counts the unique images of a crawl, up to a limit.

    A download takes a place before it starts. While the places left are all taken by downloads in flight, the next
    one waits: it is still needed if one of them fails or brings an image twice.
    """

    def __init__(self, limit: int | None, *, seen: Iterable[str] = ()) -> None:
        self._limit = float("inf") if limit is None else limit
        self._seen: LocalCache[str, None] = LocalCache(limit=RECENT if limit is None else limit)
        self._seen.update(dict.fromkeys(seen))
        self._in_flight = 0
        self._changed = asyncio.Condition()

    @property
    def spent(self) -> bool:
        """Whether the limit is reached."""
        return len(self._seen) >= self._limit

    @asynccontextmanager
    async def place(self) -> AsyncIterator[bool]:
        """Hold a place for one download; gives False when the limit is reached."""
        async with self._changed:
            await self._changed.wait_for(lambda: self.spent or len(self._seen) + self._in_flight < self._limit)
            if self.spent:
                yield False
                return
            self._in_flight += 1
        try:
            yield True
        finally:
            async with self._changed:
                self._in_flight -= 1
                self._changed.notify_all()

    def count(self, key: str) -> bool:
        """Count an image by its SHA-256; tell whether it is new to the crawl."""
        if key in self._seen:
            return False
        self._seen[key] = None
        return True
