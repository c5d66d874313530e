"""What takes part in a benchmark: our worker and its peers, each with its commands and its results."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from sqlalchemy import func, select, text

from benchmarks.gallery import Gallery
from image_spider.catalog import schema
from image_spider.catalog.catalog import Catalog

ROOT = Path(__file__).parent.parent
SAME = {"CONCURRENT_REQUESTS": 16, "LOG_LEVEL": "WARNING", "MEMUSAGE_ENABLED": False}
OURS = {**SAME, "HOST_DELAY_SECONDS": 0, "HOST_CONCURRENCY": 16, "CONTACT_URL": "http://127.0.0.1/"}
STOCK = {**SAME, "CONCURRENT_REQUESTS_PER_DOMAIN": 16, "IMAGES_STORE": "images", "TELNETCONSOLE_ENABLED": False}
LOOPBACK = "127.0.0.0/8"  # where the sites of the benchmarks are
OURS_FROM_OUTSIDE = (
    "SCRAPY_",
    "ALLOW_",
    "DNS_",
    "HOST_",
    "IMAGE",
    "DATA",
    "LABEL_",
    "TAXONOMY",
    "DUPLICATES",
    "REDIS_",
    "USER_AGENTS",
)


def project_environment(settings_module: str = "image_spider.settings") -> dict[str, str]:
    """Return an environment with the project on its path and no setting from outside."""
    outside = {key: value for key, value in os.environ.items() if not key.startswith(OURS_FROM_OUTSIDE)}
    ours = {"PYTHONPATH": str(ROOT), "SCRAPY_SETTINGS_MODULE": settings_module, "ALLOW_ADDRESSES": LOOPBACK}
    return outside | ours


class Contestant(Protocol):
    """One way of taking all images of a gallery."""

    @property
    def name(self) -> str:
        """Return what tables call it."""

    def commands(self, gallery: Gallery, folder: Path) -> list[list[str]]:
        """Make ready what is to be there, and return what is then run at once in the folder."""

    def environment(self) -> dict[str, str]:
        """Return the environment of the commands."""

    def stored(self, folder: Path) -> int:
        """Return how many images are there now, with all that belongs to them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ours:
    """Workers of this project with everything on; they share a store and a catalog, and the pages among them.

    The catalog is SQLite below the folder unless there is a database_url, whose schema `public` is made anew.
    """

    name: str
    workers: int = 1
    database_url: str = ""
    settings: Mapping[str, object] = field(default_factory=dict)
    settings_module: str = "image_spider.settings"

    def commands(self, gallery: Gallery, folder: Path) -> list[list[str]]:
        """Create the catalog and return one crawl for each worker."""
        url = self._url(folder)
        with Catalog(url) as catalog:
            if self.database_url:
                with catalog.engine.begin() as connection:
                    connection.execute(text("drop schema public cascade"))
                    connection.execute(text("create schema public"))
            catalog.upgrade()
        settings = {**OURS, "DATABASE_URL": url, **self.settings}
        return [scrapy(["crawl", "images"], start, settings) for start in gallery.starts(self.workers)]

    def environment(self) -> dict[str, str]:
        """Return an environment with the project on its path and no setting from outside."""
        return project_environment(self.settings_module)

    def stored(self, folder: Path) -> int:
        """Return the images that have a file, a thumbnail and a row with their class: the fewest of these."""
        thumbnails = sum(1 for _ in folder.rglob("*.thumb.jpg"))
        files = sum(1 for _ in folder.rglob("*.jpg")) - thumbnails
        classified = select(func.count()).select_from(schema.images).where(schema.images.c.content.is_not(None))
        with Catalog(self._url(folder)) as catalog, catalog.reading() as connection:
            rows = connection.execute(classified).scalar_one()
        return min(files, thumbnails, rows)

    def _url(self, folder: Path) -> str:
        return self.database_url or f"sqlite:///{folder}/data/catalog.sqlite3"


@dataclass(frozen=True, slots=True)
class Stock:
    """A spider of benchmarks/peers with Scrapy's own ImagesPipeline, in one process."""

    name: str
    spider: str = "stock_scrapy"

    def commands(self, gallery: Gallery, folder: Path) -> list[list[str]]:  # noqa: ARG002 - it needs nothing there
        """Return the one crawl."""
        spider = str(ROOT / f"benchmarks/peers/{self.spider}.py")
        return [scrapy(["runspider", spider], start, STOCK) for start in gallery.starts(1)]

    def environment(self) -> dict[str, str]:
        """Return an environment in which the spider finds its own base."""
        return os.environ | {"PYTHONPATH": str(ROOT)}

    def stored(self, folder: Path) -> int:
        """Return the images below full/."""
        return sum(1 for _ in folder.rglob("full/*.jpg"))


def scrapy(arguments: list[str], url: str, settings: Mapping[str, object]) -> list[str]:
    """Return the command that crawls a URL with these settings."""
    words = [word for key, value in settings.items() for word in ("-s", f"{key}={value}")]
    return [sys.executable, "-m", "scrapy", *arguments, "-a", f"url={url}", *words]
