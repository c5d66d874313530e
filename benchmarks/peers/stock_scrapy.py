"""Scrapy's own ImagesPipeline on the same gallery: `scrapy runspider benchmarks/peers/stock_scrapy.py -a url=...`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

from scrapy import Spider
from scrapy.http import HtmlResponse


class StockSpider(Spider):
    """Follow every link, take every <img>."""

    name = "stock"
    custom_settings: ClassVar = {"ITEM_PIPELINES": {"scrapy.pipelines.images.ImagesPipeline": 1}}

    def __init__(self, url: str) -> None:
        super().__init__()
        self.start_urls = [url]

    def parse(self, response: HtmlResponse) -> Iterator[Any]:
        """Yield the images of a page, and its links."""
        if sources := response.css("img::attr(src)").getall():
            yield {"image_urls": [response.urljoin(source) for source in sources]}
        yield from response.follow_all(css="a")
