"""Make a backup of the catalog as it is at one moment, while crawls go on: of PostgreSQL by pg_dump, of SQLite by its
backup API. It lands in BACKUPS_DIR, whole or not at all; image files are not in it.
"""

from __future__ import annotations

import argparse

from rich.filesize import decimal

from image_spider.catalog_actions.action import backups_of, progress
from image_spider.config import Config

SUMMARY = "make a backup"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Take --keep."""
    help_text = "good backups that stay, this one included; the oldest go (default: BACKUPS_KEEP, 0: all stay)"
    parser.add_argument("--keep", metavar="N", type=int, help=help_text)


def run(options: argparse.Namespace, settings: Config) -> int:
    """Make it, and delete the oldest ones when it is there."""
    keep = settings.BACKUPS_KEEP if options.keep is None else options.keep
    backups = backups_of(settings)
    with progress("backup") as tell:
        made = backups.make(tell=tell)
    assert made.manifest
    rows = ", ".join(f"{number:,} {table}" for table, number in made.manifest.rows.items())
    print(f"backup {made.id}: {decimal(made.manifest.bytes)}, {rows}")  # noqa: T201
    for gone in backups.prune(keep=keep) if keep > 0 else []:
        print(f"deleted backup {gone}")  # noqa: T201
    return 0
