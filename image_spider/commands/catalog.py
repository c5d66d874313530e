"""`scrapy catalog`: look after the catalog."""

from __future__ import annotations

import argparse

from scrapy.exceptions import UsageError

from image_spider.catalog.catalog import Catalog
from image_spider.command import ProjectCommand
from image_spider.config import Config


class Command(ProjectCommand):
    """Create or upgrade the catalog's tables."""

    def syntax(self) -> str:
        """Return the arguments."""
        return "upgrade"

    def short_desc(self) -> str:
        """Describe the command in a line."""
        return "Look after the catalog: create or upgrade its tables"

    def execute(self, args: list[str], opts: argparse.Namespace, settings: Config) -> None:
        """Run the action."""
        if args != ["upgrade"]:
            raise UsageError("give one action: upgrade")
        with Catalog(settings.DATABASE_URL) as catalog:
            catalog.upgrade()
            print(f"{catalog.name} has the tables of this version")  # noqa: T201
