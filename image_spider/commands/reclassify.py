"""`scrapy reclassify`: the classes of the images by the rules of this version."""

from __future__ import annotations

import argparse

from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress
from scrapy.exceptions import UsageError

from image_spider.catalog.catalog import Catalog
from image_spider.catalog.reclassification import count_outdated, reclassify
from image_spider.command import ProjectCommand
from image_spider.config import Config
from image_spider.imaging.rules import RULES_VERSION


class Command(ProjectCommand):
    """Make flags, quality and content kind anew."""

    def short_desc(self) -> str:
        """Describe the command in a line."""
        return "Make flags, quality and content of the images anew, after a change of the rules"

    def long_desc(self) -> str:
        """Describe the command."""
        return (
            "Make flags, quality and content of every image that older rules classified anew, from its stored scores; "
            "no file is read. It may be interrupted: run again, it goes on with what is left."
        )

    def execute(self, args: list[str], opts: argparse.Namespace, settings: Config) -> None:
        """Reclassify, with a progress bar on standard error."""
        if args:
            raise UsageError("it takes no arguments")
        with Catalog(settings.DATABASE_URL) as catalog:
            catalog.open(create=False)
            total, done = count_outdated(catalog), 0
            console = Console(stderr=True)
            with Progress(
                *Progress.get_default_columns(), MofNCompleteColumn(), console=console, transient=True
            ) as bar:
                task = bar.add_task("images", total=total)
                for number in reclassify(catalog):
                    done += number
                    bar.update(task, completed=done)
            print(f"{done:,} images reclassified by rules version {RULES_VERSION}")  # noqa: T201
