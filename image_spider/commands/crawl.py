"""`scrapy crawl`: Scrapy's own, with questions on a terminal, one-line errors and exit codes that tell."""

from __future__ import annotations

import argparse
import shlex
import sys
from typing import TYPE_CHECKING, cast

from scrapy.commands.crawl import Command as CrawlCommand
from scrapy.settings import SETTINGS_PRIORITIES

from image_spider.addons import check_scrapy_settings
from image_spider.command import INTERRUPTED
from image_spider.commands.questions import ask_arguments
from image_spider.exceptions import ImageSpiderError, UsageError
from image_spider.spiders.images import ImagesSpider

if TYPE_CHECKING:
    import asyncio

WRONG_USAGE = 2


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
        try:
            check_scrapy_settings(self.settings)  # here as well: logging is set up before the add-ons
        except UsageError as error:
            sys.exit(_say(error))
        chosen = self.settings.getpriority("LOG_LEVEL") != SETTINGS_PRIORITIES["project"]
        if sys.stderr.isatty() and not chosen and not self.settings["LOG_FILE"]:
            self.settings.set("LOG_LEVEL", "WARNING", priority="cmdline")

    def run(self, args: list[str], opts: argparse.Namespace) -> None:
        """Run the crawl."""
        if len(args) != 1:
            super().run(args, opts)  # Scrapy's own usage errors
            return
        on_terminal = sys.stdin.isatty() and sys.stderr.isatty()
        if args == [ImagesSpider.name] and on_terminal and not {"url", "file"} & opts.spargs.keys():
            try:
                answers = ask_arguments(given=opts.spargs)
            except (KeyboardInterrupt, EOFError):
                self.exitcode = INTERRUPTED
                return
            opts.spargs |= answers
            words = [word for name, value in answers.items() for word in ("-a", f"{name}={value}")]
            command = shlex.join(["scrapy", "crawl", *sys.argv[1:], *words])  # Scrapy has taken its name away
            print(f"The same without questions: {command}", file=sys.stderr)  # noqa: T201
        self._crawl(args[0], opts)

    def _crawl(self, name: str, opts: argparse.Namespace) -> None:
        assert self.crawler_process
        try:
            crawler = self._create_crawler(name)
        except KeyError:
            spiders = ", ".join(self.crawler_process.spider_loader.list())
            self.exitcode = _say(UsageError("spider", name, f"the spiders are {spiders}"))
            return
        task = cast("asyncio.Task[None]", self.crawler_process.crawl(crawler, **opts.spargs))
        self.crawler_process.start()
        error = task.exception() if task.done() else None
        if isinstance(error, ImageSpiderError):
            self.exitcode = _say(error)
        elif error:
            raise error
        elif error := getattr(crawler.spider, "error", None):
            self.exitcode = WRONG_USAGE if isinstance(error, UsageError) else 1
        elif not task.done() or crawler.stats.get_value("finish_reason") == "shutdown":
            self.exitcode = INTERRUPTED


def _say(error: ImageSpiderError) -> int:
    """Print an error as one line; return the exit code that it stands for."""
    print(f"scrapy crawl: {error}", file=sys.stderr)  # noqa: T201
    return WRONG_USAGE if isinstance(error, UsageError) else 1
