"""`scrapy report`: the catalog, or one crawl of it, as one HTML file."""

from __future__ import annotations

import argparse
from pathlib import Path

from scrapy.exceptions import UsageError

from image_spider.command import ProjectCommand
from image_spider.command_catalog import command_catalog
from image_spider.command_store import command_store
from image_spider.config import Config
from image_spider.report.report import read_report, render


class Command(ProjectCommand):
    """Write a contact sheet."""

    def syntax(self) -> str:
        """Return the arguments."""
        return "[--crawl ID] [--output FILE] [--limit N]"

    def short_desc(self) -> str:
        """Describe the command in a line."""
        return "Write a contact sheet of the images, with filters and charts, as one HTML file"

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        """Add the command's options."""
        super().add_options(parser)
        parser.add_argument("--crawl", metavar="ID", help="only this crawl (default: all)")
        parser.add_argument("--output", metavar="FILE", help="where to write (default: <DATA_DIR>/report.html)")
        parser.add_argument("--limit", metavar="N", type=int, default=2000, help="newest images shown (default: 2000)")

    def execute(self, args: list[str], opts: argparse.Namespace, settings: Config) -> None:
        """Write the report and print where it is."""
        if args or opts.limit < 1:
            raise UsageError("no arguments are taken, and --limit is at least 1")
        output = Path(opts.output or settings.DATA_DIR / "report.html")
        with command_catalog(settings) as catalog:
            catalog.open(create=False)
            with catalog.reading(may_lag=True) as connection:
                report = read_report(connection, crawl_id=opts.crawl, limit=opts.limit, store=command_store(settings))
        output.parent.mkdir(parents=True, exist_ok=True)
        output.write_text(render(report), encoding="utf-8")
        print(f"{output.resolve()}: {report.shown} of {report.total} images")  # noqa: T201
