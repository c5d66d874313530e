"""How a URL is fetched: over connections that stay open, by the very bytes that Scrapy made of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from scrapy.core.downloader.handlers._aiohttp import AiohttpDownloadHandler

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

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Make the handler."""
        return cls(crawler)

    async def download_request(self, request: Request) -> Response:
        """Fetch; raises Scrapy's download exceptions."""
        # aiohttp wants a running loop where it is made, which `scrapy shell` has only within a download.
        self._handler = self._handler or _VerbatimHandler(self._crawler)
        return await self._handler.download_request(request)

    async def close(self) -> None:
        """Close the connections."""
        if self._handler:
            await self._handler.close()


class _VerbatimHandler(AiohttpDownloadHandler):
    experimental = False  # no warning at each start

    def _make_request(self, request: Request, timeout: float) -> Any:
        """Keep aiohttp from quoting the URL anew: signed URLs count by the byte, and %c3 would become %C3."""
        return super()._make_request(request.replace(meta=request.meta | {"verbatim_url": True}), timeout)
