"""The same with a thumbnail of 256 px, as we make one."""

from __future__ import annotations

from benchmarks.peers.stock_scrapy import StockSpider


class ThumbnailSpider(StockSpider):
    """Take every <img> and make a thumbnail."""

    name = "stock_thumbnails"
    custom_settings = {**StockSpider.custom_settings, "IMAGES_THUMBS": {"small": (256, 256)}}  # noqa: RUF012
