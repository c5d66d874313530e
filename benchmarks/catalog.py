"""Rows per second into PostgreSQL: `python -m benchmarks.catalog`.

Batches of the catalog pipeline's size, written by `write_items` through the catalog; by plain psycopg2
`execute_values` on one connection, the rows made ready before; and by the usual Scrapy recipe, one INSERT and one
commit for each item. The same rows into the same tables of one server that syncs every commit to the disk, each
contestant in a database of its own, in turns. Rows are those of images, sightings and topics.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import psycopg2
from psycopg2.extras import Json, execute_values
from rich.console import Console
from rich.table import Table

from benchmarks.batches import batch
from image_spider.catalog import writes
from image_spider.catalog.catalog import Catalog
from image_spider.items import DuplicatePolicy, ImageItem, PageItem
from tests.postgres import PostgresServer
from tests.servers import running

CONFLICTS = {
    "images": "(sha256) DO UPDATE SET last_seen = excluded.last_seen",
    "topics": "(image_sha256, topic, source) DO UPDATE SET score = greatest(topics.score, excluded.score)",
    "sightings": "(id) DO UPDATE SET last_seen = excluded.last_seen, "
    "fetched_at = coalesce(excluded.fetched_at, sightings.fetched_at)",
}
JSON = {"scores", "alternatives"}
Rows = dict[str, list[tuple[Any, ...]]]
"""Rows ready for psycopg2, by table, in the order of their keys."""


def ready_rows(items: Sequence[ImageItem | PageItem]) -> Rows:
    """Return what `write_items` writes of these new items."""
    found = [(item, item.image) for item in items if isinstance(item, ImageItem) and item.image]
    rows = {
        "images": [writes.image_row(item, {}) for item, _ in found],
        "topics": [writes.topic_row(image.sha256, topic) for item, image in found for topic in item.topics],
        "sightings": [writes.sighting_row(item) for item, _ in found],
    }
    return {table: sorted(map(_ready, some)) for table, some in rows.items()}


def _ready(row: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(Json(value) if name in JSON else value for name, value in row.items())


def upserts() -> dict[str, str]:
    """Return the statement of each table, to be given its VALUES."""
    (item, *_) = (item for item in batch(0) if isinstance(item, ImageItem) and item.image)
    assert item.image
    columns = {
        "images": writes.image_row(item, {}),
        "topics": writes.topic_row(item.image.sha256, item.topics[0]),
        "sightings": writes.sighting_row(item),
    }
    return {
        table: f"INSERT INTO {table} ({', '.join(row)}) VALUES %s ON CONFLICT {CONFLICTS[table]}"
        for table, row in columns.items()
    }


def _whole(items: Sequence[ImageItem | PageItem]) -> list[Rows]:
    return [ready_rows(items)]


def rows_of_each_item(items: Sequence[ImageItem | PageItem]) -> list[Rows]:
    """Divide a batch."""
    rows = ready_rows(items)
    topics: dict[str, list[tuple[Any, ...]]] = {}
    for row in rows["topics"]:
        topics.setdefault(row[0], []).append(row)
    sightings = {row[1]: row for row in rows["sightings"]}
    return [
        {"images": [image], "topics": topics[image[0]], "sightings": [sightings[image[0]]]} for image in rows["images"]
    ]


@dataclass(slots=True)
class Contestant:
    """Writes batches into a database of its own: what it does before the clock runs, and what it does then."""

    name: str
    prepare: Callable[[list[ImageItem | PageItem]], Any]
    write: Callable[[Any], object]
    batches: int
    rates: list[float] = field(default_factory=list)  # rows/s of each round
    waits: list[float] = field(default_factory=list)  # ms of a batch
    cpu: list[float] = field(default_factory=list)  # ms of a batch, of this process

    def run(self, first: int) -> None:
        """Write a round."""
        items = [batch(first + number) for number in range(self.batches)]
        rows = sum(len(some) for each in items for some in ready_rows(each).values())
        prepared = [self.prepare(each) for each in items]
        started, cpu = time.perf_counter(), time.thread_time()
        for each in prepared:
            self.write(each)
        seconds = time.perf_counter() - started
        self.rates.append(rows / seconds)
        self.waits.append(1000 * seconds / self.batches)
        self.cpu.append(1000 * (time.thread_time() - cpu) / self.batches)


def contestants(server: PostgresServer, stack: ExitStack, *, batches: int) -> list[Contestant]:
    """Give each its database."""
    keep, link, *others = [stack.enter_context(_catalog(server, name)) for name in ("keep", "link", "plain", "each")]
    plain, each = (stack.enter_context(closing(other.engine.raw_connection())) for other in others)
    statements = upserts()

    def write_plain(connection: Any, batches: Sequence[Rows]) -> None:
        with connection.cursor() as cursor:
            for rows in batches:
                for table, statement in statements.items():
                    execute_values(cursor, statement, rows[table], page_size=len(rows[table]))
                connection.commit()

    return [
        Contestant("write_items, DUPLICATES=keep", list, partial(_write, keep, "keep"), batches),
        Contestant("write_items, DUPLICATES=link", list, partial(_write, link, "link"), batches),
        Contestant("execute_values, one connection", _whole, partial(write_plain, plain), batches),
        Contestant("an INSERT and a commit per item", rows_of_each_item, partial(write_plain, each), 1),
    ]


def _write(catalog: Catalog, policy: DuplicatePolicy, items: list[ImageItem | PageItem]) -> None:
    catalog.transaction(partial(writes.write_items, items=items, duplicates=policy))


def _catalog(server: PostgresServer, database: str) -> Catalog:
    connection = psycopg2.connect(server.url)
    connection.autocommit = True
    connection.cursor().execute(f"CREATE DATABASE {database}")
    connection.close()
    catalog = Catalog(_url(server, database))
    catalog.upgrade()
    return catalog


def _url(server: PostgresServer, database: str) -> str:
    return server.url.removesuffix("postgres") + database


def table(results: Sequence[Contestant]) -> Table:
    """Return the medians of the rounds; the ratios are those of ours to each, round by round."""
    ours = results[0].rates
    shown = Table("", "rows/s", "ms per batch", "of these, CPU of the client", "ours, times as fast")
    for result in results:
        ratio = median(mine / other for mine, other in zip(ours, result.rates, strict=True))
        figures = ((result.rates, 0), (result.waits, 1), (result.cpu, 1))
        shown.add_row(result.name, *(f"{median(some):,.{places}f}" for some, places in figures), f"{ratio:.2f}")
    return shown


def main() -> None:
    """Write and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--batches", type=int, default=10, help="of 200 items, in a round")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="benchmark-") as folder, ExitStack() as stack:
        server = stack.enter_context(running(PostgresServer(Path(folder), fsync=True)))
        results = contestants(server, stack, batches=arguments.batches)
        for place in range(-1, arguments.rounds):
            for result in results if place % 2 else reversed(results):
                result.run(1000 * (place + 1))
            if place < 0:  # the first round, which connects and compiles, is not counted
                for figures in (some for result in results for some in (result.rates, result.waits, result.cpu)):
                    figures.clear()
    Console(width=120).print(table(results))


if __name__ == "__main__":
    main()
