"""What a run did, as a table at its end, and what to do next."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Self

from rich.console import Console
from rich.filesize import decimal
from rich.table import Table
from scrapy import signals

from image_spider import config
from image_spider.figures import Figures
from image_spider.spiders.images import images_spider
from image_spider.stores.address import parse_addresses

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scrapy.crawler import Crawler

    from image_spider.config import Config


class Summary:
    """Print the summary to standard error, which Scrapyd and a terminal show, and pipes of items do not."""

    def __init__(self, *, crawler: Crawler, settings: Config, console: Console) -> None:
        self._crawler = crawler
        self._spider = images_spider(crawler)
        self._settings = settings
        self._console = console

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Print at the end of the crawl; off for other spiders than ours."""
        images_spider(crawler)
        console = Console(stderr=True, markup=False, highlight=False, soft_wrap=True)
        extension = cls(crawler=crawler, settings=config.from_settings(crawler.settings), console=console)
        crawler.signals.connect(extension.spider_closed, signals.spider_closed)
        return extension

    def spider_closed(self, reason: str) -> None:
        """Print why the crawl ended, the table, and how to go on."""
        stats = self._crawler.stats.get_stats()
        crawl = self._spider.crawl.id if self._spider.crawl else None
        self._console.print(f"\n{f'Crawl {crawl}' if crawl else 'Worker'}: {self._spider.error or reason}")
        self._console.print(_table(stats))
        store = ", ".join(address.name for address in parse_addresses(self._settings.IMAGES_STORE))
        report = f"scrapy report --crawl {crawl}" if crawl else "scrapy report"
        self._console.print(f"images  {store}\nreport  {report}")
        if reason == "shutdown" and not self._spider.in_fleet:
            self._console.print(_how_to_resume(self._crawler.settings["JOBDIR"]))


def _table(stats: Mapping[str, object]) -> Table:
    figures = Figures(stats)
    started = stats.get("start_time")
    seconds = (datetime.now(UTC) - started).total_seconds() if isinstance(started, datetime) else 0.0
    table = Table("what", "count")
    table.columns[1].justify = "right"
    table.add_row("pages", f"{figures.pages:,}")
    table.add_row("images stored", f"{figures.stored:,}")
    table.add_row("images known already", f"{figures.known:,}")
    table.add_row("duplicates", f"{figures.duplicates:,}")
    table.add_row("near-duplicates linked", f"{figures.near_duplicates:,}")
    for kind, count in figures.content.items():
        table.add_row(f"content: {kind}", f"{count:,}")
    for flag, count in figures.flags.items():
        table.add_row(f"flag: {flag}", f"{count:,}")
    if figures.unmeasured:
        table.add_row("images not measured", f"{figures.unmeasured:,}")
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
