"""Near-duplicates in a catalog of a million images, SQLite and PostgreSQL: `python -m benchmarks.similar`.

`--partitions 1 4 8` compares numbers of partitions on PostgreSQL instead.

Prints the milliseconds of a look-up, its recall against a comparison with every hash, the cost for each image of
linking and of writing a batch of 200, and the seconds that `scrapy similar` takes. Half of what is looked up are hashes
of new pictures, half those of rows with up to 7 bits changed.
"""

from __future__ import annotations

import argparse
import hashlib
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table
from sqlalchemy import Connection, text

from benchmarks.real_like_hashes import RealLikeHashes, real_like_hashes
from image_spider.catalog import duplicates
from image_spider.catalog.catalog import Catalog
from image_spider.catalog.duplicates import Picture, link_duplicates
from image_spider.catalog.range_search import MOST_BITS, parts, within
from image_spider.catalog.schema import IMAGE_PARTITIONS, images, indexes_on
from image_spider.catalog.similar import similar_images
from image_spider.catalog.upserts import upsert
from image_spider.catalog.writes import understanding_columns, write_items
from image_spider.imaging.analysis import SCORES_VERSION
from image_spider.items import Candidate, Image, ImageItem, Understanding
from tests.postgres import PostgresServer
from tests.servers import running

BATCH, BATCHES, LOOK_UPS, ROWS_AT_ONCE = 200, 20, 1000, 5000
NOW = datetime.now(UTC)
SCORES: dict[str, float | None] = {
    f"score_{number}": number * 1.2345 for number in range(36)
}  # rows as wide as real ones
PERCENTILES = (50, 95, 99)


@dataclass(slots=True)
class Figures:
    """What was measured on one database: ms of each look-up, ms per image of each batch, seconds of the scan."""

    database: str
    fill_seconds: float = 0.0
    look_ups: list[float] = field(default_factory=list)
    found: int = 0
    missed: int = 0
    wrong: int = 0
    link: list[float] = field(default_factory=list)
    write: list[float] = field(default_factory=list)
    write_unlinked: list[float] = field(default_factory=list)
    scan_seconds: float = 0.0


def measure(
    name: str, url: str, rows: RealLikeHashes, new: RealLikeHashes, wanted: NDArray[np.uint64], *, partitions: int = 0
) -> Figures:
    """Fill a catalog and measure it; partitions: another number of them than a catalog has."""
    figures = Figures(name)
    with Catalog(url) as catalog:
        catalog.upgrade()
        if partitions:
            catalog.transaction(partial(repartition, number=partitions))
        figures.fill_seconds = _seconds(lambda: fill(catalog, rows))
        with catalog.reading() as connection:
            look_up(connection, getattr(rows, duplicates.SEARCHED), wanted, figures)
            picture = Picture("", None, _hex(rows.phash_256[0]), 1, 1)
            figures.scan_seconds = _seconds(lambda: similar_images(connection, picture, distance=51, limit=50))
        batches = _batches(new)
        for _ in range(BATCHES):
            link = partial(link_duplicates, new=_images(next(batches)), scores_version=SCORES_VERSION)
            write = partial(write_items, items=next(batches))
            unlinked = partial(write_items, items=next(batches), duplicates="keep")
            figures.link.append(_in_transaction(catalog, link))
            figures.write.append(_in_transaction(catalog, write))
            figures.write_unlinked.append(_in_transaction(catalog, unlinked))
    return figures


def repartition(connection: Connection, *, number: int) -> None:
    """Give an empty table of images another number of partitions."""
    partitions = text("SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'images'::regclass")
    for partition in connection.scalars(partitions).all():
        connection.execute(text(f"ALTER TABLE images DETACH PARTITION {partition}"))
        connection.execute(text(f"DROP TABLE {partition}"))
    for place in range(number):
        values = f"WITH (MODULUS {number}, REMAINDER {place})"
        connection.execute(text(f"CREATE TABLE images_{place} PARTITION OF images FOR VALUES {values}"))


def fill(catalog: Catalog, hashes: RealLikeHashes) -> None:
    """Insert one original for each hash, then build the indexes, as a load of this size does."""
    template = {
        **{column.name: None for column in images.columns},
        "format": "jpeg",
        "width": 640,
        "height": 480,
        "bytes": 100_000,
        "frames": 1,
        "orientation": 1,
        "size_class": "small",
        "shape": "landscape",
        "integrity": "ok",
        "first_seen": NOW,
        "last_seen": NOW,
    }
    indexes = indexes_on(catalog.engine.dialect.name, images)
    for index in indexes:
        catalog.transaction(index.drop)
    for start in range(0, len(hashes.dhash_64), ROWS_AT_ONCE):
        numbers = range(start, min(start + ROWS_AT_ONCE, len(hashes.dhash_64)))
        some = [template | _columns("row", number, hashes) for number in numbers]
        catalog.transaction(partial(upsert, table=images, rows=some, updated=["last_seen"]))
    for index in indexes:
        catalog.transaction(index.create)
    with catalog.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        # What autovacuum does in time; without it, PostgreSQL reads the row of each index entry to see if it is valid.
        connection.exec_driver_sql("VACUUM ANALYZE images" if connection.dialect.name == "postgresql" else "ANALYZE")


def look_up(connection: Connection, words: NDArray[np.uint64], wanted: NDArray[np.uint64], figures: Figures) -> None:
    """Time each look-up, and compare its answer with that of a look at every hash."""
    within(connection, _hex(wanted[:1]))
    for word in wanted:
        started = time.perf_counter()
        rows = within(connection, _hex(word))
        figures.look_ups.append(1000 * (time.perf_counter() - started))
        found = {row.sha256 for row in rows}
        near = np.flatnonzero(np.bitwise_count(words ^ word) <= MOST_BITS)
        true = {_sha256("row", int(number)) for number in near}
        figures.found += len(true)
        figures.missed += len(true - found)
        figures.wrong += len(found - true)


def entries_touched(words: NDArray[np.uint64], wanted: NDArray[np.uint64]) -> NDArray[np.intp]:
    """Count for each look-up the index entries that its 68 probes meet."""
    rows, probes = (np.array([parts(_hex(word)) for word in some]) for some in (words, wanted))
    touched = np.zeros(len(wanted), np.intp)
    for part in range(rows.shape[1]):
        having = np.bincount(rows[:, part], minlength=1 << 16)
        for flip in (0, *(1 << bit for bit in range(16))):
            touched += having[probes[:, part] ^ flip]
    return touched


def table(results: list[Figures]) -> Table:
    """Return the figures, a column for each database."""
    result = Table("", *(figures.database for figures in results))
    for percent in PERCENTILES:
        cells = (f"{np.percentile(figures.look_ups, percent):.2f}" for figures in results)
        result.add_row(f"look-up, p{percent} ms", *cells)
    lines: dict[str, Callable[[Figures], str]] = {
        "found of true neighbours": lambda f: f"{f.found - f.missed:,} of {f.found:,}",
        "found that are none": lambda f: str(f.wrong),
        "link_duplicates, ms per image": lambda f: f"{np.median(f.link):.2f}",
        "write_items with link, ms per image": lambda f: f"{np.median(f.write):.2f}",
        "write_items with keep, ms per image": lambda f: f"{np.median(f.write_unlinked):.2f}",
        "scrapy similar, s": lambda f: f"{f.scan_seconds:.1f}",
        "filled in, s": lambda f: f"{f.fill_seconds:.0f}",
    }
    for name, cell in lines.items():
        result.add_row(name, *(cell(figures) for figures in results))
    return result


def _wanted(words: NDArray[np.uint64], new: NDArray[np.uint64]) -> NDArray[np.uint64]:
    random = np.random.default_rng(3)
    changed = random.choice(words, LOOK_UPS // 2)
    for number, word in enumerate(changed):
        places = random.choice(64, random.integers(0, MOST_BITS + 1), replace=False)
        changed[number] = word ^ np.bitwise_or.reduce(np.uint64(1) << places.astype(np.uint64), initial=np.uint64(0))
    return np.concatenate([changed, new[: LOOK_UPS - len(changed)]])


def _batches(new: RealLikeHashes) -> Iterator[list[ImageItem]]:
    for start in range(0, len(new.dhash_64) - BATCH, BATCH):
        yield [_item(number, new) for number in range(start, start + BATCH)]


def _item(number: int, hashes: RealLikeHashes) -> ImageItem:
    sha256, understanding = _sha256("new", number), _understanding("new", number, hashes)
    path, size_class, shape = f"{sha256}.jpg", "small", "landscape"
    image = Image(sha256, path, "jpeg", 640, 480, 100_000, 1, 1, size_class, shape, "ok", understanding)
    return ImageItem(Candidate(f"https://example.com/{path}", "img"), "https://example.com/", "", "c", NOW, image=image)


def _columns(kind: str, number: int, hashes: RealLikeHashes) -> dict[str, Any]:
    sha256 = _sha256(kind, number)
    return {"sha256": sha256, "path": f"{sha256}.jpg"} | understanding_columns(_understanding(kind, number, hashes))


def _understanding(kind: str, number: int, hashes: RealLikeHashes) -> Understanding:
    return Understanding(
        pixel_hash=_sha256(f"{kind} pixels", number),
        phash_256=_hex(hashes.phash_256[number]),
        phash_64=_hex(hashes.phash_64[number]),
        dhash_64=_hex(hashes.dhash_64[number]),
        scores=SCORES,
        flags=(),
        quality=0.5,
        content="photo",
        rules_version=1,
        scores_version=SCORES_VERSION,
    )


def _images(items: list[ImageItem]) -> list[Image]:
    return [item.image for item in items if item.image]


def _sha256(kind: str, number: int) -> str:
    return hashlib.sha256(f"{kind} {number}".encode()).hexdigest()


def _hex(words: np.uint64 | NDArray[np.uint64]) -> str:
    return np.atleast_1d(words).astype(">u8").tobytes().hex()


def _in_transaction(catalog: Catalog, work: Callable[[Connection], object]) -> float:
    """Return the milliseconds per image of a batch, its commit included."""
    return 1000 * _seconds(lambda: catalog.transaction(work)) / BATCH


def _seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def main() -> None:
    """Build, measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--searched", choices=["dhash_64", "phash_64"], default=duplicates.SEARCHED)
    parser.add_argument("--partitions", type=int, nargs="+", default=[], metavar="P")
    arguments = parser.parse_args()
    duplicates.SEARCHED = arguments.searched
    rows = real_like_hashes(arguments.rows, seed=1)
    new = real_like_hashes(LOOK_UPS + 3 * BATCH * BATCHES + 1, seed=2)
    words = getattr(rows, arguments.searched)
    wanted = _wanted(words, getattr(new, arguments.searched)[-LOOK_UPS:])
    touched = np.percentile(entries_touched(words, wanted), PERCENTILES)
    console = Console(width=110)
    console.print(
        f"{arguments.rows:,} originals, {arguments.searched}, {LOOK_UPS:,} look-ups, {BATCHES} batches of {BATCH}"
    )
    console.print(
        "index entries touched: " + ", ".join(f"p{p} {n:,.0f}" for p, n in zip(PERCENTILES, touched, strict=True))
    )
    results = []
    if not arguments.partitions:
        with tempfile.TemporaryDirectory(prefix="benchmark-") as folder:
            results.append(measure("SQLite", f"sqlite:///{folder}/catalog.sqlite3", rows, new, wanted))
    for partitions in arguments.partitions or [IMAGE_PARTITIONS]:
        with (
            tempfile.TemporaryDirectory(prefix="benchmark-") as folder,
            running(PostgresServer(Path(folder))) as server,
        ):
            name = f"PostgreSQL, {partitions} partitions"
            results.append(measure(name, server.url, rows, new, wanted, partitions=partitions))
    console.print(table(results))


if __name__ == "__main__":
    main()
