"""How a URL is fetched: over connections that stay open, by the very bytes that Scrapy made of it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Self

from scrapy.core.downloader.handlers._aiohttp import AiohttpDownloadHandler

from image_spider.unfinished import Halted

if TYPE_CHECKING:
    from scrapy import Request
    from scrapy.crawler import Crawler
    from scrapy.http import Response


class DownloadHandler:
    """Scrapy's handler on aiohttp (docs/decisions/0011-aiohttp.md)."""

    lazy = True

    def __init__(self, crawler: Crawler) -> None:
        self._crawler = crawler
        self._handler: _VerbatimHandler | None = None
        self._transfers: set[asyncio.Task[Response]] = set()
        self._cut = False

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Make the handler."""
        return cls(crawler)

    async def download_request(self, request: Request) -> Response:
        """Fetch; raises Scrapy's download exceptions, and Halted when there is no time for it any more."""
        # aiohttp wants a running loop where it is made, which `scrapy shell` has only within a download.
        self._handler = self._handler or _VerbatimHandler(self._crawler)
        transfer = asyncio.ensure_future(self._handler.download_request(request))
        self._transfers.add(transfer)
        transfer.add_done_callback(self._transfers.discard)
        try:
            return await transfer
        except asyncio.CancelledError:
            if self._cut:
                raise Halted("the worker had to end") from None
            raise

    def cut_short(self) -> None:
        """End every transfer."""
        self._cut = True
        for transfer in self._transfers:
            transfer.cancel()

    async def close(self) -> None:
        """Close the connections."""
        if self._handler:
            await self._handler.close()


class _VerbatimHandler(AiohttpDownloadHandler):
    experimental = False  # no warning at each start

    def __init__(self, crawler: Crawler) -> None:
        """Keep aiohttp from sending a GET again by itself: unseen by turns, budgets and RETRY_ settings."""
        super().__init__(crawler)
        self._session._retry_connection = False  # noqa: SLF001 - a whole crawl tests that it is there

    def _make_request(self, request: Request, timeout: float) -> Any:
        """Keep aiohttp from quoting the URL anew: signed URLs count by the byte, and %c3 would become %C3."""
        return super()._make_request(request.replace(meta=request.meta | {"verbatim_url": True}), timeout)
