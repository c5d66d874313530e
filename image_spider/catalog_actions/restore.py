"""Put a backup in the place of the catalog. It is restored into a database of its own, counted and upgraded first, and
then swapped with the catalog by its name, at once. The catalog of before is kept under another name, which is printed.
"""

from __future__ import annotations

import argparse

from image_spider.catalog_actions.action import backups_of, progress
from image_spider.config import Config

SUMMARY = "put a backup in the place of the catalog"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Take the backup's id and --force."""
    parser.add_argument("id", metavar="ID", help="of `scrapy catalog backups`")
    help_text = "even if the catalog has rows; on PostgreSQL, end the sessions of others as well"
    parser.add_argument("--force", action="store_true", help=help_text)


def run(options: argparse.Namespace, settings: Config) -> int:
    """Restore it."""
    with progress("restore") as tell:
        restored = backups_of(settings).restore(options.id, force=options.force, tell=tell)
    rows = ", ".join(f"{number:,} {table}" for table, number in restored.manifest.rows.items())
    print(f"the catalog is that of backup {options.id}, {restored.manifest.made_at:%Y-%m-%d %H:%M:%S} UTC: {rows}")  # noqa: T201
    if restored.kept:
        print(f"the one of before is kept as {restored.kept}: delete it when you do not need it any more")  # noqa: T201
    return 0
