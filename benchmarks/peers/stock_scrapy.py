"""Scrapy's own ImagesPipeline on the same gallery: `scrapy runspider benchmarks/peers/stock_scrapy.py -a url=...`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from scrapy import Spider
from scrapy.http import HtmlResponse, Response


class StockSpider(Spider):
    """Follow every link, take every <img>."""

    name = "stock"
    custom_settings = {"ITEM_PIPELINES": {"scrapy.pipelines.images.ImagesPipeline": 1}}  # noqa: RUF012 - as Scrapy does

    def __init__(self, url: str) -> None:
        super().__init__()
        self.start_urls = [url]

    def parse(self, response: Response) -> Iterator[Any]:
        """Yield the images of a page, and its links."""
        assert isinstance(response, HtmlResponse)
        if sources := response.css("img::attr(src)").getall():
            yield {"image_urls": [response.urljoin(source) for source in sources]}
        yield from response.follow_all(css="a")
