"""The pool of a worker and that of the fleet: a few calls a second beside the requests, none on their way."""

from __future__ import annotations

import asyncio

from image_spider.broker.proxies import SharedProxies
from image_spider.exceptions import UsageError
from image_spider.proxies.clock import Clock
from image_spider.proxies.pool import Pool
from image_spider.proxies.proxy import read_list

SYNC_SECONDS = 0.2  # a ban is told within so long, and heard within as long again: together well within a second


class Sharing:
    """Tells the fleet what happened here, and the pool what happened elsewhere."""

    def __init__(self, *, shared: SharedProxies, pool: Pool, clock: Clock, lists: bool) -> None:
        self._shared = shared
        self._pool = pool
        self._clock = clock
        self._lists = lists  # whether the list of proxies is Redis's
        self._version = 0
        self._listed = 0

    async def run(self) -> None:
        """Exchange news until cancelled."""
        while True:
            await self.exchange()
            await asyncio.sleep(SYNC_SECONDS)

    async def exchange(self) -> None:
        """Tell and hear once; while Redis is away it waits, and the pool goes by what it knows."""
        synced = await self._shared.sync(
            known=self._version,
            pending=self._pool.take_pending(),
            remembered_seconds=self._pool.rules.bans.longest,
            lists=self._lists,
        )
        self._clock.set(synced.now)
        if self._lists and synced.listed != self._listed:
            urls = await self._shared.urls()
            try:
                self._pool.set_proxies(read_list("\n".join(urls), setting="F:proxies"))
            except UsageError as error:
                raise UsageError("PROXIES", "redis", f"proxies that `scrapy proxies --add` wrote ({error})") from None
            self._listed = synced.listed
            self._version = 0  # what is known of those that are new here
            return
        # A Redis that was restored or failed over may have forgotten what is known here: begin anew.
        self._version = synced.version if synced.version >= self._version else 0
        self._pool.learn(synced.news)

    async def may_probe(self, *, worker: str, seconds: float) -> bool:
        """Tell whether this worker is the one to probe for the next so many seconds."""
        return await self._shared.may_probe(worker=worker, seconds=seconds)
