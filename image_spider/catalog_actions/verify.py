"""Prove that a backup can be restored: compare its checksum, restore it into a scratch database, count the rows and
drop the scratch database. The catalog is not touched. The exit code is 1 for a damaged backup.
"""

from __future__ import annotations

import argparse

from image_spider.catalog_actions.action import backups_of, progress
from image_spider.config import Config

SUMMARY = "restore a backup into a scratch database and count it"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Take the backup's id."""
    parser.add_argument("id", metavar="ID", help="of `scrapy catalog backups`")


def run(options: argparse.Namespace, settings: Config) -> int:
    """Verify it."""
    with progress("verify") as tell:
        manifest = backups_of(settings).verify(options.id, tell=tell)
    rows = ", ".join(f"{number:,} {table}" for table, number in manifest.rows.items())
    print(f"backup {manifest.id} is good: restored and counted, {rows}")  # noqa: T201
    return 0
