"""One worker on one machine, beside Scrapy's own ImagesPipeline: `python -m benchmarks.local`.

Prints images/s, CPU seconds per 1,000 images, and memory after 2,000 images and at most, each for all processes of the
worker.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.gallery import Gallery
from benchmarks.processes import Usage, run

ROOT = Path(__file__).parent.parent
EARLY = 2000  # images after which memory is first read: caches are warm by then
SAME = {"CONCURRENT_REQUESTS": 16, "LOG_LEVEL": "WARNING", "MEMUSAGE_ENABLED": False}
OURS = {**SAME, "HOST_DELAY_SECONDS": 0, "HOST_CONCURRENCY": 16, "CONTACT_URL": "http://127.0.0.1/"}
STOCK = {**SAME, "CONCURRENT_REQUESTS_PER_DOMAIN": 16, "IMAGES_STORE": "images", "TELNETCONSOLE_ENABLED": False}
PROJECT = {"PYTHONPATH": str(ROOT), "SCRAPY_SETTINGS_MODULE": "image_spider.settings"}
BARE = {"PYTHONPATH": str(ROOT)}


@dataclass(frozen=True, slots=True)
class Run:
    """One crawl of the gallery."""

    name: str
    images: int
    usage: Usage


def scrapy(arguments: list[str], url: str, settings: dict[str, object]) -> list[str]:
    """Return the command that crawls a URL with these settings."""
    words = [word for key, value in settings.items() for word in ("-s", f"{key}={value}")]
    return [sys.executable, "-m", "scrapy", *arguments, "-a", f"url={url}", *words]


def peer(name: str) -> list[str]:
    """Return the arguments that run a spider of benchmarks/peers."""
    return ["runspider", str(ROOT / f"benchmarks/peers/{name}.py")]


def measure(name: str, gallery: Gallery, arguments: list[str], settings: dict[str, object]) -> Run:
    """Crawl the gallery in a folder of its own, and check that every image was stored."""
    gallery.reset()
    environment = os.environ | (PROJECT if arguments[0] == "crawl" else BARE)
    with tempfile.TemporaryDirectory(prefix="benchmark-") as folder:
        usage = run(
            [scrapy(arguments, gallery.url, settings)],
            folder=Path(folder),
            environment=environment,
            is_early=lambda: gallery.served() >= min(EARLY, gallery.images // 2),
        )
        stored = sum(1 for path in Path(folder).rglob("*.jpg") if "thumbs" not in path.parts)
    if stored != gallery.images:
        raise SystemExit(f"{name}: {stored} of {gallery.images} images stored")
    return Run(name, stored, usage)


def table(runs: list[Run]) -> Table:
    """Return the runs side by side, with their rate as a ratio to the last one."""
    result = Table("worker", "images/s", "ratio", "CPU s per 1,000", "MB early", "MB peak", "growth MB")
    for column in result.columns[1:]:
        column.justify = "right"
    base = runs[-1].images / runs[-1].usage.seconds
    for crawl in runs:
        rate = crawl.images / crawl.usage.seconds
        result.add_row(
            crawl.name,
            f"{rate:.0f}",
            f"{rate / base:.2f}",
            f"{crawl.usage.cpu_seconds * 1000 / crawl.images:.2f}",
            f"{crawl.usage.early_mb:.0f}",
            f"{crawl.usage.peak_mb:.0f}",
            f"{crawl.usage.peak_mb - crawl.usage.early_mb:+.0f}",
        )
    return result


def main() -> None:
    """Measure all and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=20_000)
    parser.add_argument("--megapixels", type=float, default=0.5)
    arguments = parser.parse_args()
    with Gallery(arguments.images, megapixels=arguments.megapixels) as gallery:
        runs = [
            measure("image_spider", gallery, ["crawl", "images"], OURS),
            measure("stock + thumbnail", gallery, peer("stock_scrapy_thumbnails"), STOCK),
            measure("stock ImagesPipeline", gallery, peer("stock_scrapy"), STOCK),
        ]
    Console(width=110).print(table(runs))


if __name__ == "__main__":
    main()
