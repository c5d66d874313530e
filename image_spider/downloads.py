"""How a URL is fetched: over connections that stay open."""

from __future__ import annotations

from scrapy.core.downloader.handlers._aiohttp import AiohttpDownloadHandler


class DownloadHandler(AiohttpDownloadHandler):
    """Scrapy's handler on aiohttp, which Scrapy calls experimental (docs/decisions/0011-aiohttp.md says why here)."""

    experimental = False  # no warning at each start
