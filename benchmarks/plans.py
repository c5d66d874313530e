"""How PostgreSQL answers each named query on a million images: `python -m benchmarks.plans`.

Runs every query, then what it sent once more under EXPLAIN (ANALYZE, BUFFERS), and prints the table that stands in
docs/reference/tables.md: milliseconds, 8 kB blocks touched, and the plan on one line, each node before what it reads
from. `4 x` stands before what is the same in each partition. What queries write is rolled back.
"""

from __future__ import annotations

import argparse
import re
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, event, text

from benchmarks.batches import batch
from benchmarks.million import fill
from image_spider.catalog import (
    copies,
    crawls,
    duplicates,
    files,
    listing,
    measurements,
    migrate,
    queries,
    report_queries,
    similar,
)
from image_spider.catalog.catalog import Catalog
from image_spider.catalog.listing import Filters
from image_spider.catalog.range_search import within_each
from image_spider.catalog.schema import images
from image_spider.catalog.writes import write_items
from tests.postgres import PostgresServer
from tests.servers import running

Query = Callable[[Connection], object]
FOR_SSD = "ALTER DATABASE postgres SET random_page_cost = 1.1"
LONGEST = 160  # characters of a plan
SINCE = datetime(2026, 1, 1, tzinfo=UTC)


def named_queries(connection: Connection) -> dict[str, Query]:
    """Return every query, with values that a crawl, a report or the console would give."""
    seen = connection.scalars(text("SELECT sha256 FROM images WHERE sha256 > '8' ORDER BY sha256 LIMIT 200")).all()
    urls = connection.scalars(text("SELECT image_url FROM sightings LIMIT 200")).all()
    words = {sha256: f"{int(sha256[:16], 16):016x}" for sha256 in seen}
    return {
        "write_items, 200 new": lambda c: write_items(c, batch(0), duplicates="keep"),
        "images_at_urls, 200": lambda c: queries.images_at_urls(c, urls, since=SINCE),
        "known_images, 200": lambda c: queries.known_images(c, seen),
        "model_topics": lambda c: queries.model_topics(c, seen[0], label_model="m"),
        "images_of_crawl": lambda c: queries.images_of_crawl(c, "crawl-7"),
        "recorded_duplicates, 200": lambda c: duplicates.recorded_duplicates(c, seen),
        "within_each, 1": lambda c: within_each(c, dict([next(iter(words.items()))])),
        "within_each, 200": lambda c: within_each(c, words),
        "picture_named, 8 digits": lambda c: similar.picture_named(c, seen[0][:8]),
        **{f"matching_images, {name}": _page(filters) for name, filters in _FILTERS.items()},
        **{f"count_matching, {name}": _count(filters) for name, filters in _COUNTED.items()},
        "newest_images, 500": lambda c: report_queries.newest_images(c, None, columns=_SHOWN, limit=500),
        "newest_images, crawl": lambda c: report_queries.newest_images(c, "crawl-7", columns=_SHOWN, limit=500),
        "named_images, 50": lambda c: report_queries.named_images(c, seen[:50], columns=_SHOWN),
        "images_by, content": lambda c: report_queries.images_by(c, None, column=images.c.content),
        "images_by, quality, crawl": lambda c: report_queries.images_by(c, "crawl-7", column=report_queries.QUALITY),
        "images_by_pairs, topics": lambda c: report_queries.images_by_pairs(c, None, pairs=report_queries.TOPICS),
        "values_of, topics": lambda c: report_queries.values_of(c, seen, pairs=report_queries.TOPICS),
        "totals": lambda c: report_queries.totals(c, None),
        "totals, crawl": lambda c: report_queries.totals(c, "crawl-7"),
        "failures_by_cause": lambda c: report_queries.failures_by_cause(c, None),
        "newest_failures, crawl": lambda c: report_queries.newest_failures(c, "crawl-7", limit=50),
        "newest_crawls": lambda c: report_queries.newest_crawls(c, None, limit=50),
        "queue_copies, 200": lambda c: copies.queue_copies(c, seen, mirrors=["s3://mirror"], now=SINCE),
        "claim_copies, 64": lambda c: copies.claim_copies(c, mirror="s3://mirror", now=SINCE, until=SINCE, limit=64),
        "behind": copies.behind,
        "recorded_files, 500": lambda c: files.recorded_files(c, after="8", limit=500),
        "unrecorded_paths, 200": lambda c: files.unrecorded_paths(c, [f"ab/cd/{sha256}.jpg" for sha256 in seen]),
        "sources, 200": lambda c: files.sources(c, seen, pages=False),
        "finish_crawl": lambda c: crawls.finish_crawl(c, "crawl-7", _OUTCOME),
        **{f"next_outdated, stage {stage}": _outdated(stage) for stage in range(len(measurements.STAGES))},
    }


_SHOWN = {"sha256": images.c.sha256, "path": images.c.path, "quality": images.c.quality}
_OUTCOME = crawls.Outcome(state="completed", reason="finished", pages=1, resumed=False, at=SINCE)
_FILTERS = {
    "all": Filters(),
    "format, rare": Filters(format="bmp"),
    "size": Filters(size_class="medium"),
    "shape": Filters(shape="banner"),
    "content": Filters(content="blank"),
    "quality, 1 %": Filters(quality_from=0.99),
    "four at once": Filters(format="png", size_class="large", shape="square", content="photo"),
    "topic": Filters(topic="nature"),
    "host, of many": Filters(host="host0.example"),
    "host, of few": Filters(host="host1900.example"),
    "crawl": Filters(crawl_id="crawl-7"),
    "crawl and content": Filters(crawl_id="crawl-7", content="screenshot"),
    "a common word": Filters(text="word0"),
    "a rare word": Filters(text="word17777"),
    "two words": Filters(text="word1 word12"),
    "word, topic and shape": Filters(text="word3", topic="people", shape="square"),
}
_COUNTED = {"all": Filters(), "content": Filters(content="photo"), "a common word": Filters(text="word0")}


def _page(filters: Filters) -> Query:
    return lambda connection: listing.matching_images(connection, filters, after="8", limit=50)


def _count(filters: Filters) -> Query:
    return lambda connection: listing.count_matching(connection, filters, at_most=10_000)


def _outdated(stage: int) -> Query:
    return lambda connection: measurements.next_outdated(connection, stage=stage, after="8", label_model="m", limit=50)


def explained(connection: Connection, query: Query) -> Iterator[dict[str, Any]]:
    """Run a query, and what it sent again under EXPLAIN; yield each plan. The rows are in memory by then."""
    sent: list[tuple[str, Any]] = []

    def record(_: object, __: object, statement: str, parameters: Any, *___: object) -> None:
        sent.append((statement, parameters))

    with connection.begin_nested() as savepoint:
        event.listen(connection, "after_cursor_execute", record)
        query(connection)
        event.remove(connection, "after_cursor_execute", record)
        savepoint.rollback()
    with connection.begin_nested() as savepoint:
        for statement, parameters in sent:
            explain = f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {statement}"
            (plan,) = connection.exec_driver_sql(explain, parameters).scalar_one()
            yield plan
        savepoint.rollback()


def shortened(node: dict[str, Any]) -> str:
    """Write a plan on one line: a node, then in brackets what it reads from; what partitions have alike is counted."""
    name = node.get("Index Name") or node.get("Relation Name") or node.get("CTE Name")
    kind = node["Node Type"].replace(" Scan", "").replace("Seq", "Scan")
    label = f"{kind} {re.sub(r'^images_[0-9]+', 'images', name)}" if name else kind
    inner = [shortened(child) for child in node.get("Plans", ()) if child["Actual Loops"]]
    counted = [(text, len(list(same))) for text, same in groupby(inner)]
    joined = ", ".join(f"{number} x {text}" if number > 1 else text for text, number in counted)
    return f"{label} ({joined})" if joined else label


def main() -> None:
    """Fill, run and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=1_000_000)
    arguments = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="benchmark-") as folder,
        running(PostgresServer(Path(folder))) as server,
        Catalog(server.url) as catalog,
    ):
        catalog.transaction(lambda connection: connection.execute(text(FOR_SSD)))
        catalog.engine.dispose()  # new connections have it
        fill(catalog, images=arguments.images)
        started = time.monotonic()
        catalog.transaction(partial(migrate.upgrade, to="0004"))
        moved = time.monotonic()
        catalog.upgrade()
        print(f"moved into partitions in {moved - started:.0f} s, the rest in {time.monotonic() - moved:.0f} s\n")
        with catalog.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("VACUUM ANALYZE")
        print_plans(catalog)


def print_plans(catalog: Catalog) -> None:
    """Print the table."""
    print("| query | ms | blocks | plan |\n|---|--:|--:|---|")
    with catalog.reading() as connection:
        for name, query in named_queries(connection).items():
            plans = list(explained(connection, query))
            milliseconds = sum(plan["Planning Time"] + plan["Execution Time"] for plan in plans)
            blocks = sum(plan["Plan"]["Shared Hit Blocks"] + plan["Plan"]["Shared Read Blocks"] for plan in plans)
            short = "; ".join(shortened(plan["Plan"]) for plan in plans)
            short = short if len(short) <= LONGEST else f"{short[:LONGEST]} ..."
            print(f"| {name} | {milliseconds:.1f} | {blocks:,} | {short} |", flush=True)


if __name__ == "__main__":
    main()
