"""The crawls of a frontier: state and exact counters."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from image_spider.broker.bloom import Layer
from image_spider.broker.client import Client
from image_spider.broker.frontier import FrontierOptions, pairs
from image_spider.broker.records import CrawlRecord, CrawlState, SeenRecord

NOT_COUNTERS = {"state", "arguments", "outstanding", "created", "started", "ended", "max_pages"}


class Crawls:
    """The records of the crawls of one frontier."""

    def __init__(self, *, client: Client, options: FrontierOptions) -> None:
        self._client = client
        self._name = options.name

    async def open(
        self, *, crawl: str, arguments: str, batch: str = "", max_pages: int | None = None
    ) -> CrawlState | None:
        """Make the crawl known and, when it is finished or stopped, let it run again; return its state before.

        Arguments of a crawl that runs or is paused are kept as they are. A crawl whose filter is gone begins anew:
        its counters start at 0. A batch of start URLs that was pushed within the last hour opens nothing.
        No more than max_pages requests that have a fingerprint are ever queued for it.
        """
        before: bytes = await self._client.script("open_crawl", self._name, crawl, arguments, batch, max_pages or "")
        return CrawlState(before.decode()) if before else None

    async def set_state(self, *, crawl: str, state: CrawlState) -> bool:
        """Pause, resume (RUNNING) or stop a crawl; False when there is no such crawl or it has finished."""
        return bool(await self._client.script("set_state", self._name, crawl, state.value))

    async def end_if_empty(self, *, crawl: str) -> bool:
        """Finish a crawl that has nothing outstanding: one whose start URLs were all refused. True if it did."""
        return bool(await self._client.script("set_state", self._name, crawl, CrawlState.FINISHED.value))

    async def get(self, *, crawl: str) -> CrawlRecord | None:
        """Return the crawl's record, or None when the frontier does not know it."""
        fields = _fields(await self._client.command("HGETALL", f"{self._name}:crawl:{crawl}"))
        return _crawl_record(crawl, fields) if "state" in fields else None

    async def newest(self, *, count: int) -> tuple[tuple[CrawlRecord, int], ...]:
        """Return the crawls that were created last, newest first, with the distinct images of those with max_images."""
        found = await self._client.script("newest_crawls", self._name, count)
        return tuple(
            (_crawl_record(crawl.decode(), _fields(record)), images)
            for crawl, images, record in zip(found[::3], found[1::3], found[2::3], strict=True)
        )

    async def seen(self, *, crawl: str) -> SeenRecord:
        """Return how full the crawl's filter is."""
        fields = _fields(await self._client.command("HGETALL", f"{self._name}:seen:{crawl}"))
        total = int(fields.get("total", 0))
        if "layer" not in fields:
            return SeenRecord(kind="exact" if fields else "", count=total, layers=0, bits=0, error=0.0)
        last = int(fields["layer"])
        layers = [Layer(*map(int, fields[f"l{number}"].split())) for number in range(last + 1)]
        filled = [layer.capacity for layer in layers[:-1]] + [int(fields.get("count", 0))]
        return SeenRecord(
            kind="bloom",
            count=total,
            layers=len(layers),
            bits=sum(layer.bits for layer in layers),
            error=sum(layer.error(count) for layer, count in zip(layers, filled, strict=True)),
        )

    async def count_bytes(self, *, crawl: str, receiver: str, number: int) -> int:
        """Tell how many bytes a process has received for a crawl, since it began; return those of all processes."""
        return int(await self._client.script("count_bytes", self._name, crawl, receiver, number))

    async def bytes_received(self, *, crawl: str) -> int:
        """Return the bytes that all processes have told of a crawl with max_bytes."""
        return sum(map(int, await self._client.command("HVALS", f"{self._name}:bytes:{crawl}")))

    async def recorded(self, *, crawl: str) -> None:
        """Say that the catalog has the crawl's end: `Renewal.ended` does not name it any more."""
        await self._client.command("SREM", f"{self._name}:ended", crawl)


def _fields(reply: Any) -> dict[str, str]:
    """Read HGETALL's answer, which redis-py makes a dict, unless it came from a script."""
    rows: Iterable[tuple[bytes, bytes]] = reply.items() if isinstance(reply, dict) else pairs(reply)
    return {name.decode(): value.decode() for name, value in rows}


def _crawl_record(crawl: str, fields: dict[str, str]) -> CrawlRecord:
    counters = {name: int(value) for name, value in fields.items() if name not in NOT_COUNTERS}
    return CrawlRecord(
        id=crawl,
        state=CrawlState(fields["state"]),
        arguments=fields.get("arguments", ""),
        outstanding=int(fields.get("outstanding", 0)),
        counters=counters,
        created_ms=int(fields["created"]),
        started_ms=int(fields["started"]),
        ended_ms=int(fields["ended"]) if "ended" in fields else None,
    )
