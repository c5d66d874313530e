"""How many more images a crawl may take, exact while many downloads are in flight."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager


class Budget:
    """Counts the unique images of a crawl, up to a limit.

    A download takes a place before it starts. While the places left are all taken by downloads in flight, the next
    one waits: it is still needed if one of them fails or brings an image twice.
    """

    def __init__(self, limit: int | None, *, seen: Iterable[str] = ()) -> None:
        self._limit = float("inf") if limit is None else limit
        self._seen = {_number(sha256) for sha256 in seen}
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

    def count(self, sha256: str) -> bool:
        """Count an image; tell whether it is new to the crawl."""
        size = len(self._seen)
        self._seen.add(_number(sha256))
        return len(self._seen) > size


def _number(sha256: str) -> int:
    """Return the first 64 bits: enough to tell a billion images apart, at a third of the memory."""
    return int(sha256[:16], 16)
