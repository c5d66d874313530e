"""The catalog's row of each crawl of the fleet: written by the workers that see it first, and that see its end."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterable
from datetime import UTC, datetime
from typing import Any, Protocol

from image_spider.broker.claims import Claims
from image_spider.broker.crawls import Crawls
from image_spider.broker.records import CrawlRecord, CrawlState
from image_spider.catalog.crawls import Outcome
from image_spider.crawl import Crawl
from image_spider.exceptions import PayloadError
from image_spider.registry import Registry

logger = logging.getLogger(__name__)

HALTED = {CrawlState.PAUSED: "paused", CrawlState.STOPPED: "stopped"}
OVER = (CrawlState.STOPPED, CrawlState.FINISHED)


class Books(Protocol):
    """Where crawls are recorded: the catalog pipeline."""

    async def record_start(self, crawl: Crawl) -> None:
        """Record that a crawl runs; raises CatalogError."""

    async def record_end(self, crawl_id: str, outcome: Outcome) -> None:
        """Record how a crawl ended; raises CatalogError."""


class Bookkeeper:
    """Learns of crawls from Redis, and writes them into the catalog. Both writes may be repeated by any worker."""

    def __init__(
        self,
        *,
        crawls: Crawls,
        claims: Claims,
        registry: Registry,
        run: Callable[[Coroutine[Any, Any, object]], asyncio.Task[None]],
    ) -> None:
        self._crawls = crawls
        self._claims = claims
        self._registry = registry
        self._run = run  # in the background; should it fail, the worker ends
        self._books: Books | None = None
        self._ending: set[str] = set()
        self._task: asyncio.Task[None] | None = None

    def keep(self, books: Books) -> None:
        """Write into these books from now on."""
        self._books = books

    async def begin(self, crawl_id: str) -> None:
        """Serve a crawl that this worker does not know yet; raises PayloadError when its record cannot be read."""
        record = await self._crawls.get(crawl=crawl_id)
        try:
            crawl = Crawl.from_json(record.arguments if record else "")
        except (ValueError, TypeError, KeyError) as error:
            raise PayloadError(f"the crawl {crawl_id!r} has no readable record: {error}") from error
        assert record
        self._registry.add(crawl).halted = HALTED.get(record.state, "")
        await self.record_start(crawl)

    async def record_start(self, crawl: Crawl) -> None:
        """Record that a crawl runs; raises CatalogError."""
        if self._books:
            await self._books.record_start(crawl)

    def end(self, crawl_ids: Iterable[str]) -> None:
        """Record the ends of crawls, in the background."""
        new = set(crawl_ids) - self._ending
        if new and self._books:
            self._ending |= new
            earlier = self._task
            self._task = self._run(self._end_all(new, earlier))

    async def close(self) -> None:
        """Wait for what is being recorded."""
        if self._task:
            await self._task

    async def _end_all(self, crawl_ids: set[str], earlier: asyncio.Task[None] | None) -> None:
        if earlier:
            await earlier
        for crawl_id in sorted(crawl_ids):
            try:
                await self._end(crawl_id)
            finally:
                self._ending.discard(crawl_id)

    async def _end(self, crawl_id: str) -> None:
        record = await self._crawls.get(crawl=crawl_id)
        if record is None:  # forgotten long after its end, as no worker was there
            await self._crawls.recorded(crawl=crawl_id)
            return
        if record.state not in OVER or not self._books:
            return  # it runs again
        outcome = await self._outcome(record)
        await self._books.record_end(crawl_id, outcome)
        await self._crawls.recorded(crawl=crawl_id)
        logger.info("The crawl %s has ended: %s, %d pages", crawl_id, outcome.reason, outcome.pages)

    async def _outcome(self, record: CrawlRecord) -> Outcome:
        reason = str(record.state)
        crawl = _crawl(record)
        if crawl and crawl.max_images is not None:
            reason = "max_images" if await self._claims.images(crawl=record.id) >= crawl.max_images else reason
        if crawl and crawl.max_bytes is not None:
            reason = "max_bytes" if await self._crawls.bytes_received(crawl=record.id) >= crawl.max_bytes else reason
        state = "stopped" if reason == CrawlState.STOPPED else "completed"
        pages = record.counters.get("pages", 0)
        return Outcome(state=state, reason=reason, pages=pages, resumed=False, at=datetime.now(UTC))


def _crawl(record: CrawlRecord) -> Crawl | None:
    """Return what a crawl is asked to do; None when its record cannot be read, for then nobody served it."""
    try:
        return Crawl.from_json(record.arguments)
    except (ValueError, TypeError, KeyError):
        return None
