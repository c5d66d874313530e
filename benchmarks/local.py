"""Memory of one worker over a long crawl, beside Scrapy's own ImagesPipeline: `python -m benchmarks.local`.

Prints images/s, CPU per image, memory at most and its growth after 2,000 images, each for all processes of the worker.
Speed alone is measured, against more peers, by `python -m benchmarks.images`.
"""

from __future__ import annotations

import argparse

from rich.console import Console

from benchmarks.contestants import Contestant, Ours, Stock
from benchmarks.gallery import Gallery
from benchmarks.images.tables import race_table
from benchmarks.race import race


def main() -> None:
    """Measure all and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=20_000, help="in each run (default 20000: 1.7 GB, twice)")
    parser.add_argument("--megapixels", type=float, default=0.5, help="of each image (default 0.5)")
    arguments = parser.parse_args()
    contestants: list[Contestant] = [
        Ours(name="image_spider"),
        Stock("stock, with a thumbnail", "stock_scrapy_thumbnails"),
        Stock("stock ImagesPipeline"),
    ]
    with Gallery(arguments.images, megapixels=arguments.megapixels) as gallery:
        runs = race(contestants, gallery, repeat=1)
    Console(width=120).print(race_table(runs))


if __name__ == "__main__":
    main()
