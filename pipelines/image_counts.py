"""The stats of a crawl about its images."""

from __future__ import annotations

from typing import TYPE_CHECKING

from image_spider.items import Image

if TYPE_CHECKING:
    from scrapy.statscollectors import StatsCollector

    from pipelines.stored_file import StoredFile


def count_image(stats: StatsCollector, file: StoredFile, *, new: bool) -> None:
    """Count an image that is kept; new says whether the crawl meets it for the first time."""
    if not new:
        stats.inc_value("images/duplicate")
        return
    if file["status"] == "downloaded":
        stats.inc_value("images/stored")
        stats.inc_value("images/bytes", file["image"].bytes)
    else:
        stats.inc_value("images/known")
    if file["status"] != "uptodate":
        _count_classes(stats, file["image"])


def _count_classes(stats: StatsCollector, image: Image) -> None:
    if image.understanding:
        for kind in (f"content/{image.understanding.content}", *(f"flag/{f}" for f in image.understanding.flags)):
            stats.inc_value(f"images/{kind}")
    elif image.format != "svg":
        stats.inc_value("images/unmeasured")
