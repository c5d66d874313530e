"""How fast images are taken and understood, beside named peers: `make bench`, or `python -m benchmarks.images`.

    race     one worker beside stock Scrapy's ImagesPipeline, which does not classify; two workers, which share a store
             and a catalog, beside img2dataset with 2 processes of 32 threads. Everything is on in ours.
    large    a crawl of 12-megapixel JPEGs, and how long its event loop lets others wait meanwhile
    profile  CPU of each stage of an image's description, and of its way to the decoding process and back

Rates count from the first request for an image to the last write (benchmarks/race.py). Every run's images are counted.
Ratios and figures stand beside their floors. nginx serves the images (apt-get install nginx); without it, Python does.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console

from benchmarks.contestants import Contestant, Ours, Stock
from benchmarks.gallery import Gallery, photographs
from benchmarks.images.profile import passage, stage_profile
from benchmarks.images.tables import Claim, claims_table, profile_table, race_table
from benchmarks.peers import img2dataset
from benchmarks.peers.img2dataset import Img2dataset
from benchmarks.race import measure, race
from benchmarks.stages import WHOLE
from tests.postgres import PostgresServer

PARTS = ("race", "large", "profile")
LARGE_MEGAPIXELS = 12
LARGE_PHOTOGRAPHS = 5  # profiled: each takes seconds
ONE, STOCK, TWO, PEER = "image_spider, 1 worker", "stock ImagesPipeline", "image_spider, 2 workers", "img2dataset"


def main() -> None:
    """Run the asked parts and print each when it is done, the claims at the end."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.images", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", choices=PARTS, action="append", help="run this part only (may be repeated)")
    parser.add_argument("--images", type=int, default=4000, help="of 0.5 megapixels in each run (default 4000)")
    parser.add_argument("--large", type=int, default=300, help="of 12 megapixels in the crawl (default 300)")
    parser.add_argument("--repeat", type=int, default=3, help="runs of each, the median is printed (default 3)")
    parser.add_argument("--database", choices=["sqlite", "postgresql"], default="sqlite", help="of our catalog")
    parser.add_argument("--cache", type=Path, default=Path("data/benchmarks"), help="where img2dataset is installed")
    arguments = parser.parse_args()
    parts = {"race": _race, "large": _large, "profile": _profile}
    console, claims, started = Console(width=120), list[Claim](), time.monotonic()
    for part in arguments.only or PARTS:
        claims += parts[part](arguments, console)
        console.print(f"{part}: done after {time.monotonic() - started:.0f} s")
    console.print(claims_table(claims))


def _race(arguments: argparse.Namespace, console: Console) -> list[Claim]:
    program = img2dataset.command(arguments.cache)
    with _database(arguments.database) as url, Gallery(arguments.images) as gallery:
        contestants: list[Contestant] = [
            Ours(name=ONE, database_url=url),
            Stock(STOCK),
            Ours(name=TWO, workers=2, database_url=url),
            Img2dataset(PEER, program),
        ]
        runs = race(contestants, gallery, repeat=arguments.repeat)
    console.print(f"{arguments.images:,} JPEGs of 0.5 megapixels, {arguments.database}, median of {arguments.repeat}")
    console.print(race_table(runs))
    return [
        Claim("one worker, ratio to stock Scrapy", runs[ONE].rate / runs[STOCK].rate, "", 1.3),
        Claim("two workers, ratio to img2dataset", runs[TWO].rate / runs[PEER].rate, "", 1.0),
    ]


def _large(arguments: argparse.Namespace, console: Console) -> list[Claim]:
    with (
        Gallery(arguments.large, megapixels=LARGE_MEGAPIXELS) as gallery,
        tempfile.TemporaryDirectory(prefix="benchmark-") as work,
    ):
        file = Path(work) / "lag.json"
        ours = Ours(
            name=f"{ONE}, {LARGE_MEGAPIXELS} MP",
            settings={"LOOP_LAG_FILE": file},
            settings_module="benchmarks.images.settings",
        )
        crawl = measure(ours, gallery, Path(work))
        lag = json.loads(file.read_text(encoding="utf-8"))
    console.print(race_table({ours.name: crawl}))
    console.print("event loop: " + ", ".join(f"{name} {figure:.1f}" for name, figure in lag.items()))
    return [Claim("event loop's lag while 12 MP JPEGs arrive, p99", lag["p99_ms"], " ms", 50, lower_is_better=True)]


def _profile(_: argparse.Namespace, console: Console) -> list[Claim]:
    small, large = photographs(0.5), photographs(LARGE_MEGAPIXELS)[:LARGE_PHOTOGRAPHS]
    stages = {"0.5 MP": stage_profile(small), "12 MP": stage_profile(large)}
    passages = {"0.5 MP": passage(small, rounds=20), "12 MP": passage(large, rounds=10)}
    console.print(profile_table(stages, passages))
    return [Claim("12 MP JPEGs described, images/s/core", 1000 / stages["12 MP"][WHOLE], "", 30)]


@contextmanager
def _database(kind: str) -> Iterator[str]:
    """Give the URL of a server that syncs what it commits, or "" for SQLite."""
    if kind == "sqlite":
        yield ""
        return
    with tempfile.TemporaryDirectory(prefix="benchmark-") as folder:
        server = PostgresServer(Path(folder), fsync=True)
        server.start()
        try:
            yield server.url
        finally:
            server.stop()


if __name__ == "__main__":
    main()
