"""`scrapy crawl`: Scrapy's own, with questions on a terminal, one-line errors and exit codes that tell."""

from __future__ import annotations

import argparse
import shlex
import sys
from typing import TYPE_CHECKING, cast

from scrapy.commands.crawl import Command as CrawlCommand

from image_spider.commands.questions import ask_arguments
from image_spider.exceptions import ImageSpiderError, UsageError
from image_spider.spiders.images import ImagesSpider

if TYPE_CHECKING:
    import asyncio

INTERRUPTED = 130


class Command(CrawlCommand):
    """Exit codes: 0 the crawl ended by itself, 1 it failed, 2 it was asked for wrongly, 130 it was interrupted."""

    def long_desc(self) -> str:
        """Describe the command."""
        return (
            "Run a spider. `scrapy crawl images -a url=https://example.com/` collects the images of a site; without "
            "a URL, on a terminal, it asks. Exit codes: 0 finished, 1 failed, 2 wrong usage, 130 interrupted."
        )

    def process_options(self, args: list[str], opts: argparse.Namespace) -> None:
        """Leave the terminal to the progress line and to warnings, unless a log level is asked for."""
        super().process_options(args, opts)
        assert self.settings is not None
        chosen = self.settings.getpriority("LOG_LEVEL") != self.settings.getpriority("BOT_NAME")
        if sys.stderr.isatty() and not chosen and not self.settings["LOG_FILE"]:
            self.settings.set("LOG_LEVEL", "WARNING", priority="cmdline")

    def run(self, args: list[str], opts: argparse.Namespace) -> None:
        """Run the crawl."""
        if args == [ImagesSpider.name] and not opts.spargs and sys.stdin.isatty() and sys.stderr.isatty():
            opts.spargs = ask_arguments()
            words = [word for name, value in opts.spargs.items() for word in ("-a", f"{name}={value}")]
            print(f"The same without questions: {shlex.join(['scrapy', 'crawl', *args, *words])}", file=sys.stderr)  # noqa: T201
        if len(args) != 1:
            super().run(args, opts)  # Scrapy's own usage errors
            return
        self._run(args[0], opts)

    def _run(self, name: str, opts: argparse.Namespace) -> None:
        assert self.crawler_process
        crawler = self._create_crawler(name)
        task = cast("asyncio.Task[None]", self.crawler_process.crawl(crawler, **opts.spargs))
        self.crawler_process.start()
        error = task.exception()
        if isinstance(error, ImageSpiderError):
            print(f"scrapy crawl {name}: {error}", file=sys.stderr)  # noqa: T201
            self.exitcode = 2 if isinstance(error, UsageError) else 1
        elif error:
            raise error
        elif getattr(crawler.spider, "error", None):
            self.exitcode = 1
        elif crawler.stats.get_value("finish_reason") == "shutdown":
            self.exitcode = INTERRUPTED
