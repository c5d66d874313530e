"""Start URLs that anyone pushes with redis-cli: taken in batches, without a moment in which a kill loses one."""

from __future__ import annotations

from collections.abc import Sequence

from image_spider.broker.client import Client
from image_spider.broker.records import StartEntries


class StartURLs:
    """A list, set or sorted set of entries under a fixed name, such as `images:start_urls`.

    Take a batch, push it to the frontier in one call that names the batch, then settle. A batch that is not settled
    within a minute is taken over by the next caller, whoever it is; the name makes its second push harmless.
    """

    def __init__(self, *, client: Client, key: str) -> None: ...

    async def take(self, *, batch: str, count: int = 500) -> StartEntries | None:
        """Take up to `count` entries as a batch of this new, unique name, or a batch left behind; None for none.

        A list gives from its left end, a sorted set the highest scores first.
        """
        raise NotImplementedError

    async def settle(self, *, batch: str) -> None:
        """Forget a batch that the frontier has."""
        raise NotImplementedError

    async def reject(self, *, rejected: Sequence[tuple[bytes, str]]) -> None:
        """Keep (raw entry, reason) in `<key>:rejected` as JSON, the latest 10,000; before the batch is settled."""
        raise NotImplementedError

    async def add(self, *, entries: Sequence[bytes]) -> int:
        """Append entries as `redis-cli rpush` does, to whatever type the key has; return how many wait now."""
        raise NotImplementedError

    async def waiting(self) -> int:
        """Return how many entries wait, those taken and not settled included."""
        raise NotImplementedError
