"""What a run did, as a table at its end, and what to do next."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from rich.console import Console
from rich.filesize import decimal
from rich.table import Table
from scrapy import signals

from image_spider import config
from image_spider.figures import Figures

if TYPE_CHECKING:
    from typing import Self

    from scrapy.crawler import Crawler

    from image_spider.spiders.images import ImagesSpider


class Summary:
    """Print the summary to standard error, which Scrapyd and a terminal show, and pipes of items do not."""

    def __init__(self, *, crawler: Crawler, console: Console) -> None:
        self._crawler = crawler
        self._console = console

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Print at the end of the crawl."""
        extension = cls(crawler=crawler, console=Console(stderr=True))
        crawler.signals.connect(extension.spider_closed, signals.spider_closed)
        return extension

    def spider_closed(self, spider: ImagesSpider, reason: str) -> None:
        """Print the table, then how to go on."""
        stats = self._crawler.stats.get_stats()
        figures = Figures(stats)
        seconds = (datetime.now(UTC) - stats["start_time"]).total_seconds() if "start_time" in stats else 0.0
        settings = config.from_settings(self._crawler.settings)
        self._console.print(_table(spider, reason, figures, seconds))
        self._console.print(
            f"images  {settings.IMAGES_STORE}\nreport  scrapy report --crawl {spider.crawl.id}", soft_wrap=True
        )
        if reason == "shutdown":
            self._console.print(_how_to_resume(self._crawler.settings["JOBDIR"]), soft_wrap=True)


def _table(spider: ImagesSpider, reason: str, figures: Figures, seconds: float) -> Table:
    table = Table("what", "count", title=f"Crawl {spider.crawl.id}: {spider.error or reason}", title_justify="left")
    table.columns[1].justify = "right"
    table.add_row("pages", f"{figures.pages:,}")
    table.add_row("images stored", f"{figures.stored:,}")
    table.add_row("images known already", f"{figures.known:,}")
    table.add_row("duplicates", f"{figures.duplicates:,}")
    table.add_row("near-duplicates linked", f"{figures.near_duplicates:,}")
    for cause, count in figures.image_failures.items():
        table.add_row(f"images refused: {cause}", f"{count:,}")
    for cause, count in figures.page_failures.items():
        table.add_row(f"pages failed: {cause}", f"{count:,}")
    table.add_row("bytes stored", decimal(figures.bytes))
    table.add_row("seconds", f"{seconds:,.1f}")
    table.add_row("images/s", f"{figures.images / max(seconds, 0.001):,.1f}")
    return table


def _how_to_resume(job_directory: str | None) -> str:
    if job_directory:
        return f"Stopped in order. The same command goes on where this run stopped: its queue is in {job_directory}."
    return (
        "Stopped in order. The same command starts again and downloads no stored image twice. "
        "A crawl that is to go on where it stopped needs its queue on disk: add -s JOBDIR=data/jobs/NAME."
    )
