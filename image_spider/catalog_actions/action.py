"""What `scrapy catalog` asks of an action."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console
from rich.text import Text

from image_spider.catalog.backups.backups import Backups
from image_spider.catalog.backups.database import Tell
from image_spider.catalog.pool.patroni import patroni_urls
from image_spider.config import Config


class Action(Protocol):
    """A module of this package: its docstring is the action's help."""

    SUMMARY: str

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        """Add the action's arguments and options."""

    def run(self, options: argparse.Namespace, settings: Config) -> int:
        """Do it and return the exit code; raises ImageSpiderError."""


def backups_of(settings: Config) -> Backups:
    """Return the backups of the catalog of the settings."""
    return Backups(
        settings.DATABASE_URL,
        folder=settings.BACKUPS_DIR,
        programs=settings.POSTGRESQL_BIN_DIR,
        patroni_urls=[patroni.url for patroni in patroni_urls(settings.PATRONI_URLS)],
    )


@contextmanager
def progress(doing: str) -> Iterator[Tell]:
    """Show on a terminal what is being done, in a line that goes in the end."""
    console = Console(stderr=True, highlight=False)
    with console.status(doing) as status:
        yield lambda step: status.update(Text(f"{doing}: {step}"[: console.width - 4]))
