"""From start URLs into the frontier, without a moment in which a kill loses one."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from image_spider.broker.crawls import Crawls
from image_spider.broker.records import Push, StartEntries
from image_spider.broker.start_urls import StartURLs
from image_spider.crawl import Crawl
from image_spider.exceptions import BrokerError, PayloadError, UsageError
from image_spider.frontier.start_entries import StartEntry, read_entry
from image_spider.parts import parts

logger = logging.getLogger(__name__)

LOOK_SECONDS = 0.5  # a start URL is taken within a second
BATCH_ENTRIES = 200  # about 20 ms of the reactor's time


class PushBatch(Protocol):
    """Push a batch of start URLs under an id, once, however often and by whomever it is tried."""

    def __call__(self, requests: Sequence[Push], *, batch: str) -> Awaitable[object]:
        """Return when Redis has them."""
        ...


class Feed:
    """Takes entries in batches: taken, pushed, settled.

    A batch whose worker is killed in between is taken over by another one a minute later, and a batch that was pushed
    already is not pushed again.
    """

    def __init__(
        self, *, start_urls: StartURLs, crawls: Crawls, make: Callable[[StartEntry], Push], push: PushBatch
    ) -> None:
        self._start_urls = start_urls
        self._crawls = crawls
        self._make = make
        self._push = push
        self._trouble = ""  # why no start URLs can be taken, as it was last told

    async def run(self) -> None:
        """Take start URLs until cancelled."""
        while True:
            if not await self.take():
                await asyncio.sleep(LOOK_SECONDS)

    async def take(self) -> bool:
        """Move one batch; tell whether there was one."""
        batch = await self._taken()
        if batch is None:
            return False
        pushes: list[Push] = []
        rejected: list[tuple[bytes, str]] = []
        crawls: dict[str, Crawl] = {}
        for raw, _ in batch.entries:
            try:
                entry = read_entry(raw)
                pushes.append(self._make(entry))
            except (UsageError, PayloadError, ValueError) as error:
                rejected.append((raw, str(error)))
            else:
                crawls.setdefault(entry.crawl.id, entry.crawl)
        for crawl in crawls.values():
            await self._open(crawl, batch=batch.batch)
        if pushes:
            await self._push(pushes, batch=batch.batch)
            for crawl_id in crawls:  # another worker may have pushed the batch just now, and all of it be done already
                await self._crawls.end_if_empty(crawl=crawl_id)
            logger.info("Took %d start URLs for %s", len(pushes), ", ".join(list(crawls)[:5]))
        if rejected:
            await self._start_urls.reject(rejected=rejected)
            logger.warning("Refused %d start URLs; the first: %s", len(rejected), rejected[0][1])
        await self._start_urls.settle(batch=batch.batch)
        return True

    async def _taken(self) -> StartEntries | None:
        """Take a batch; None for none, or when the key is of a type that anyone has given it by mistake."""
        try:
            batch = await self._start_urls.take(batch=secrets.token_hex(8), count=BATCH_ENTRIES)
        except BrokerError as error:
            if str(error) != self._trouble:
                self._trouble = str(error)
                logger.warning("No start URLs can be taken until this is mended, the rest goes on: %s", error)
            return None
        if self._trouble:
            self._trouble = ""
            logger.info("Start URLs can be taken again")
        return batch

    async def _open(self, crawl: Crawl, *, batch: str = "") -> None:
        await self._crawls.open(crawl=crawl.id, arguments=crawl.to_json(), batch=batch, max_pages=crawl.max_pages)

    async def start(self, crawl: Crawl) -> None:
        """Open a crawl and push its start URLs.

        Killed in between, it leaves a crawl that has nothing to do: minutes later other workers end it (lua/tidy.lua).
        """
        await self._open(crawl)
        run = secrets.token_hex(8)
        for number, urls in enumerate(parts(crawl.start_urls, BATCH_ENTRIES)):
            requests = [self._make(StartEntry(url=url, crawl=crawl)) for url in urls]
            await self._push(requests, batch=f"{run}-{number}")
