"""The one spider of all contestants: it reads the links of a page and yields them, and nothing else."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from image_spider.spiders.images import ImagesSpider

if TYPE_CHECKING:
    from scrapy import Request
    from scrapy.http import Response

    from image_spider.items import ImageItem, PageItem


class LinksSpider(ImagesSpider):
    """The project's spider without its reading of a page; a page is a URL per line.

    It is a RedisSpider whose start() yields the start URLs, so that Scrapy's own scheduler and scrapy-redis's take
    them like any other request; in a fleet the frontier has them.
    """

    def __init__(self, **arguments: object) -> None:
        super().__init__(**arguments)  # type: ignore[arg-type]  # those of from_crawler
        self.pages = 0
        self.began = self.ended = (0.0, 0.0)  # CPU seconds of this process and time.time(), first page and last one

    async def parse(self, response: Response, site: str, depth: int) -> AsyncIterator[Request | ImageItem | PageItem]:
        """Yield the links."""
        self.ended = (time.process_time(), time.time())
        if not self.pages:
            self.began = self.ended
        self.pages += 1
        crawl = self.crawls.of(response).crawl
        for link in response.text.split():
            yield self.page_request(link, site=site, depth=depth + 1, crawl=crawl)
