"""Start URLs that anyone pushes with redis-cli: taken in batches, without a moment in which a kill loses one."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime

from image_spider.broker.client import Client
from image_spider.broker.frontier import pairs
from image_spider.broker.records import StartEntries

LEFT_MS = 60_000  # a batch that is not settled by then is anybody's
REJECTED_LIMIT = 10_000


class StartURLs:
    """A list, set or sorted set of entries under a fixed name, such as `images:start_urls`.

    Take a batch, push it to the frontier in one call that names the batch, then settle. A batch that is not settled
    within a minute is taken over by the next caller, whoever it is; the name makes its second push harmless.
    """

    def __init__(self, *, client: Client, key: str) -> None:
        self._client = client
        self._key = key

    async def take(self, *, batch: str, count: int = 500) -> StartEntries | None:
        """Take up to `count` entries as a batch of this new, unique name, or a batch left behind; None for none.

        A list gives from its left end, a sorted set the highest scores first.
        """
        reply = await self._client.script("take_start_urls", self._key, batch, count, LEFT_MS)
        if not reply:
            return None
        name, *rows = reply
        return StartEntries(batch=name.decode(), entries=tuple((raw, float(score)) for raw, score in pairs(rows)))

    async def settle(self, *, batch: str) -> None:
        """Forget a batch that the frontier has."""
        await self._client.script("settle_start_urls", self._key, batch)

    async def reject(self, *, rejected: Sequence[tuple[bytes, str]]) -> None:
        """Keep (raw entry, reason) in `<key>:rejected` as JSON, the latest 10,000; before the batch is settled."""
        if rejected:
            at = datetime.now(UTC).isoformat(timespec="seconds")
            lines = [
                json.dumps({"entry": raw.decode(errors="replace"), "reason": reason, "at": at})
                for raw, reason in rejected
            ]
            await self._client.command("RPUSH", f"{self._key}:rejected", *lines)
            await self._client.command("LTRIM", f"{self._key}:rejected", -REJECTED_LIMIT, -1)

    async def add(self, *, entries: Sequence[bytes]) -> int:
        """Append entries as `redis-cli rpush` does, to whatever type the key has; return how many wait now."""
        kind = (await self._client.command("TYPE", self._key)).decode()
        if kind == "zset":
            await self._client.command("ZADD", self._key, *(word for raw in entries for word in (0, raw)))
        else:
            await self._client.command("SADD" if kind == "set" else "RPUSH", self._key, *entries)
        return await self.waiting()

    async def waiting(self) -> int:
        """Return how many entries wait; batches that were taken are not counted."""
        kind = (await self._client.command("TYPE", self._key)).decode()
        count = {"list": "LLEN", "set": "SCARD", "zset": "ZCARD"}.get(kind)
        return int(await self._client.command(count, self._key)) if count else 0
