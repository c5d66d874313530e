"""The catalog of a command, before which somebody sits and waits."""

from __future__ import annotations

import math
import sys

from image_spider.catalog.catalog import Catalog
from image_spider.config import Config

COMMAND_SECONDS = 30.0  # instead of for ever, which is for the workers of a fleet


def patience(settings: Config) -> float:
    """Return for how many seconds a command waits for a catalog that is away."""
    return COMMAND_SECONDS if math.isinf(settings.CATALOG_RETRY_SECONDS) else settings.CATALOG_RETRY_SECONDS


def command_catalog(settings: Config) -> Catalog:
    """Make the catalog of the settings; on standard error it says for what it waits, when that takes a moment."""
    seconds = patience(settings)
    catalog = Catalog.from_config(settings.model_copy(update={"CATALOG_RETRY_SECONDS": seconds}))

    def tell(reason: str) -> None:
        print(f"waiting up to {seconds:g} s: {reason}" if reason else "the catalog is back", file=sys.stderr)  # noqa: T201

    catalog.on_outage(tell)
    return catalog
