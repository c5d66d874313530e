"""The base of the project's commands: one-line errors and exit codes."""

from __future__ import annotations

import argparse
import sys
from abc import abstractmethod
from typing import ClassVar

from scrapy.commands import ScrapyCommand

from image_spider import config
from image_spider.exceptions import ImageSpiderError, UsageError

INTERRUPTED = 130


def fleet_settings(settings: config.Config) -> None:
    """Raise UsageError without REDIS_URL, for what only a fleet can do."""
    if not settings.REDIS_URL:
        raise UsageError("REDIS_URL", "", "the Redis of a fleet, for example redis://localhost:6379/0; this needs one")


class ProjectCommand(ScrapyCommand):
    """Exit codes: 0 done, 1 it failed, 2 wrong usage, 130 interrupted."""

    requires_project = True
    requires_crawler_process = False
    default_settings: ClassVar = {"LOG_ENABLED": False}

    def run(self, args: list[str], opts: argparse.Namespace) -> None:
        """Do it, and turn an error that was foreseen into one line."""
        assert self.settings is not None
        try:
            self.execute(args, opts, config.from_settings(self.settings))
        except (ImageSpiderError, OSError) as error:
            print(f"{sys.argv[0].rpartition('/')[2]}: {error}", file=sys.stderr)  # noqa: T201
            self.exitcode = 2 if isinstance(error, UsageError) else 1
        except KeyboardInterrupt:
            self.exitcode = INTERRUPTED

    @abstractmethod
    def execute(self, args: list[str], opts: argparse.Namespace, settings: config.Config) -> None:
        """Do what the command does."""
