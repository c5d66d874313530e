"""`scrapy task`: the task of a container."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, cast

from scrapy.commands import ScrapyCommand
from scrapy.exceptions import UsageError as WrongOptions

from image_spider.addons import check_scrapy_settings
from image_spider.exceptions import UsageError
from image_spider.task.config import read_environment
from image_spider.task.run import WRONG_USAGE, TaskRun
from image_spider.task.stops import Stops

if TYPE_CHECKING:
    from scrapy.crawler import AsyncCrawlerProcess


class Command(ScrapyCommand):
    """Exit codes: 0 completed, 1 failed, 2 wrong configuration, 130 ended by SIGINT, 143 by SIGTERM."""

    requires_project = True

    def syntax(self) -> str:
        """Return the arguments."""
        return "[--config FILE] [--output FOLDER]"

    def short_desc(self) -> str:
        """Describe the command in a line."""
        return "Do the task that a platform gave this container: crawl, write the results, report"

    def long_desc(self) -> str:
        """Describe the command."""
        return (
            "Do the task of TASK_EXECUTION_ID and CONFIG_PATH, report to API_BASE_URL, write into OUTPUT_DIR. "
            "Exit codes: 0 completed, 1 failed, 2 wrong configuration, 130 ended by SIGINT, 143 by SIGTERM."
        )

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        """Add the command's options."""
        super().add_options(parser)
        parser.add_argument("--config", metavar="FILE", help="the JSON file of the task (default: CONFIG_PATH)")
        parser.add_argument(
            "--output", metavar="FOLDER", help="where the results go (default: OUTPUT_DIR, /app/output)"
        )

    def process_options(self, args: list[str], opts: argparse.Namespace) -> None:
        """Listen to signals from now on, and check what the options set."""
        self._stops = Stops()
        super().process_options(args, opts)
        assert self.settings is not None
        try:
            check_scrapy_settings(self.settings)  # here as well: logging is set up before the add-ons
        except UsageError as error:
            self._say(error)
            sys.exit(WRONG_USAGE)

    def run(self, args: list[str], opts: argparse.Namespace) -> None:
        """Do the task."""
        if args:
            raise WrongOptions("no arguments are taken")
        try:
            environment = read_environment({"CONFIG_PATH": opts.config, "OUTPUT_DIR": opts.output})
        except UsageError as error:
            self._say(error)
            self.exitcode = WRONG_USAGE
            return
        process = cast("AsyncCrawlerProcess", self.crawler_process)
        outcome = TaskRun(environment=environment, process=process, stops=self._stops).run()
        if outcome.error_message:
            self._say(outcome.error_message)
        self.exitcode = outcome.exit_code

    def _say(self, words: object) -> None:
        print(f"scrapy task: {words}", file=sys.stderr)  # noqa: T201
