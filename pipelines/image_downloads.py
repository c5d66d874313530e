"""The way of an image to its site and back: its turn, its tries, and no place held while it waits."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

from scrapy.http import Response

from image_spider.delayed import delayed, take_delay
from image_spider.extensions.retries import Retries
from image_spider.politeness.host_down import HostClosed
from image_spider.politeness.politeness import turn_of_image
from image_spider.unfinished import Halted

if TYPE_CHECKING:
    from scrapy import Request
    from scrapy.crawler import Crawler

    from image_spider.registry import ServedCrawl
    from image_spider.spiders.images import ImagesSpider

T = TypeVar("T")

WAITING_BODIES = 8  # what keeps the decoding processes busy


class ImageDownloads:
    """Downloads by the engine, which sends at once; what is to wait, waits here."""

    def __init__(self, *, crawler: Crawler, spider: ImagesSpider) -> None:
        retries = crawler.get_extension(Retries)
        assert retries
        self._retries = retries
        self._spider = spider
        # Bodies that wait to be decoded are memory: while this many candidates are under way, the next one waits, and
        # with its downloads the engine stops asking for pages.
        self.under_way = asyncio.Semaphore(crawler.settings.getint("CONCURRENT_REQUESTS") + WAITING_BODIES)

    async def fetch(self, request: Request, served: ServedCrawl, use: Callable[[Response], Awaitable[T]]) -> T:
        """Return what `use` makes of the answer; raises what the last try raised, and Halted.

        What is to be tried again waits with no place of the downloader or of ours.
        """

        def halted() -> str:
            return served.halted or ("the crawl is ending" if self._spider.stopping else "")

        while True:
            if reason := halted():
                raise Halted(reason)
            async with turn_of_image(self._spider, request), self.under_way:
                if reason := halted():
                    raise Halted(reason)
                try:
                    response = await self._retries.try_once(request)
                except HostClosed as closed:  # that of its robots.txt, or where a redirect leads
                    response = delayed(request.copy(), closed.seconds)
                if isinstance(response, Response):
                    return await use(response)
            request = response
            await self._retries.pauses.pause(take_delay(request), halted)
