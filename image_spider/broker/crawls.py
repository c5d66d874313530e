"""The crawls of a frontier: state and exact counters."""

from __future__ import annotations

from image_spider.broker.client import Client
from image_spider.broker.frontier import FrontierOptions
from image_spider.broker.records import CrawlRecord, CrawlState, SeenRecord


class Crawls:
    """The records of the crawls of one frontier."""

    def __init__(self, *, client: Client, options: FrontierOptions) -> None: ...

    async def open(self, *, crawl: str, arguments: str) -> CrawlState:
        """Make the crawl known and, when it is finished or stopped, let it run again; return the state before.

        Arguments of a crawl that runs or is paused are kept as they are. A crawl whose filter is gone begins anew:
        its counters start at 0.
        """
        raise NotImplementedError

    async def set_state(self, *, crawl: str, state: CrawlState) -> bool:
        """Pause, resume (RUNNING) or stop a crawl; False when there is no such crawl or it has finished."""
        raise NotImplementedError

    async def end_if_empty(self, *, crawl: str) -> bool:
        """Finish a crawl that has nothing outstanding: one whose start URLs were all refused. True if it did."""
        raise NotImplementedError

    async def get(self, *, crawl: str) -> CrawlRecord | None:
        """Return the crawl's record, or None when the frontier does not know it."""
        raise NotImplementedError

    async def all(self) -> tuple[CrawlRecord, ...]:
        """Return the known crawls, newest first."""
        raise NotImplementedError

    async def seen(self, *, crawl: str) -> SeenRecord:
        """Return how full the crawl's filter is."""
        raise NotImplementedError

    async def recorded(self, *, crawl: str) -> None:
        """Say that the catalog has the crawl's end: `Renewal.ended` does not name it any more."""
        raise NotImplementedError
