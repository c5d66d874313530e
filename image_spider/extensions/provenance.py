"""Two lines at the start of a worker: its version of the project, from where it is, and where settings are set."""

from __future__ import annotations

import logging
import sys
from importlib.util import find_spec
from typing import TYPE_CHECKING

from scrapy.settings import SETTINGS_PRIORITIES

from image_spider import __version__, config
from image_spider.origin import find_origin

if TYPE_CHECKING:
    from typing import Self

    from scrapy.crawler import Crawler
    from scrapy.settings import BaseSettings

logger = logging.getLogger(__name__)


class Provenance:
    """Log them, once; by the SHA-256 a crawl is traced to its deployment."""

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Log them. Raises ShadowedEgg, which settings.py has raised already unless other settings are used."""
        logger.info("image_spider %s from %s", __version__, describe_code(sys.path))
        logger.info("Settings: %s", describe_settings(crawler.settings))
        return cls()


def describe_code(path: list[str]) -> str:
    """Return the place of the project's code in words: an egg's path and SHA-256, or a folder."""
    origin = find_origin(path)
    if not origin.is_egg:
        return f"{origin.root}, which is no egg"
    try:
        sha256 = origin.sha256()
    except OSError as error:
        return f"the egg {origin.root}, which cannot be read any more ({error.strerror})"
    return f"the egg {origin.root}" + (f", SHA-256 {sha256}" if sha256 else ", unpacked")


def describe_settings(settings: BaseSettings) -> str:
    """Return the settings module's file, and the names that are set elsewhere, by place; never a value."""
    module = config.settings_module()
    spec = find_spec(module)
    places: dict[str, list[str]] = {}
    of_process = config.sources()
    for name in settings:
        if (settings.getpriority(name) or 0) > SETTINGS_PRIORITIES["project"]:
            places.setdefault("the command line or the spider", []).append(name)
        elif name in of_process:
            places.setdefault(of_process[name], []).append(name)
    told = [f"{', '.join(sorted(names))} by {place}" for place, names in sorted(places.items())]
    return "; ".join([f"{module} ({spec.origin if spec else 'not found'})", *told])
