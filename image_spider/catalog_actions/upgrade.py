"""Create the catalog's tables, or bring those of an older version to this one. SQLite does so at each start."""

from __future__ import annotations

import argparse

from image_spider.command_catalog import command_catalog
from image_spider.config import Config

SUMMARY = "create or upgrade the tables"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Take no options."""


def run(options: argparse.Namespace, settings: Config) -> int:
    """Apply the migrations that are missing."""
    del options
    with command_catalog(settings) as catalog:
        catalog.upgrade()
        print(f"{catalog.name} has the tables of this version")  # noqa: T201
    return 0
