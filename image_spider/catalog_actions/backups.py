"""List the backups in BACKUPS_DIR, newest first. Those whose files are missing or of the wrong size are named, and the
exit code is 1; `scrapy catalog verify ID` looks into a file.
"""

from __future__ import annotations

import argparse

from rich import box
from rich.console import Console
from rich.filesize import decimal
from rich.table import Table

from image_spider.catalog.backups.folder import Backup
from image_spider.catalog_actions.action import backups_of
from image_spider.config import Config

SUMMARY = "list the backups"
PIPE_WIDTH = 200  # characters


def add_options(parser: argparse.ArgumentParser) -> None:
    """Take no options."""


def run(options: argparse.Namespace, settings: Config) -> int:
    """Print the table."""
    del options
    found = backups_of(settings).list()
    table = Table("id", "made (UTC)", "catalog", "size", "images", "sightings", "state", box=box.SIMPLE_HEAD)
    for backup in found:
        table.add_row(*_row(backup))
    for column in (table.columns[0], *table.columns[3:6]):
        column.no_wrap = True
    console = Console(highlight=False, markup=False)
    console = console if console.is_terminal else Console(highlight=False, markup=False, width=PIPE_WIDTH)
    console.print(table if found else f"there are no backups in {settings.BACKUPS_DIR}")
    return 1 if any(backup.problem for backup in found) else 0


def _row(backup: Backup) -> tuple[str, ...]:
    state = backup.problem or "good"
    if (manifest := backup.manifest) is None:
        return backup.id, "", "", "", "", "", state
    counts = (f"{manifest.rows.get(table, 0):,}" for table in ("images", "sightings"))
    return backup.id, f"{manifest.made_at:%Y-%m-%d %H:%M:%S}", manifest.catalog, decimal(manifest.bytes), *counts, state
