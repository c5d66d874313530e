"""Rows made again from the ledgers of the store: which are missing, and how they are written."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, func, inspect, select, update

from image_spider.catalog.crawls import Outcome, finish_crawl, start_crawl
from image_spider.catalog.schema import crawls, images, sightings
from image_spider.catalog.writes import sighting_key, write_items
from image_spider.crawl import Crawl
from image_spider.items import ImageItem

REASON = "made again from the ledgers of the image store"


def holds_images(connection: Connection) -> bool | None:
    """Tell whether there is any image; None when there are not even tables."""
    if not inspect(connection).has_table(images.name):
        return None
    return connection.scalar(select(images.c.sha256).limit(1)) is not None


def damage(connection: Connection) -> str:
    """Return the first thing that is wrong with the pages of an SQLite file, all of which are read, or nothing."""
    found = (
        connection.exec_driver_sql("pragma quick_check(1)").scalar() if connection.dialect.name == "sqlite" else "ok"
    )
    return "" if found == "ok" else str(found)


def unrecorded(connection: Connection, items: Sequence[ImageItem]) -> list[ImageItem]:
    """Return the items whose sighting has no row, or one that was last seen before."""
    keys = [sighting_key(item) for item in items]
    query = select(sightings.c.id, sightings.c.last_seen).where(sightings.c.id.in_(keys))
    known: dict[str, datetime] = {row.id: row.last_seen for row in connection.execute(query)}
    return [
        item for item, its_key in zip(items, keys, strict=True) if its_key not in known or known[its_key] < item.seen_at
    ]


def write_recovered(connection: Connection, items: Sequence[ImageItem]) -> None:
    """Write items as the crawl did, at their own times; images stay unmeasured, which asks for a rescan."""
    left = sorted(items, key=lambda item: item.seen_at)
    while left:  # of several lines about one sighting each tells a time of its own
        first = {sighting_key(item): item for item in reversed(left)}
        write_items(connection, list(first.values()), duplicates="keep")
        chosen = {id(item) for item in first.values()}
        left = [item for item in left if id(item) not in chosen]
    _settle_times(connection, {item.image.sha256 for item in items if item.image})


def record_missing_crawls(connection: Connection) -> list[str]:
    """Make the row of every crawl that has sightings and none, as a stopped one, with exact counters; return their ids.

    Which URLs it was given is not known: the next run of the same command fills that in.
    """
    times = (func.min(sightings.c.seen_at), func.max(sightings.c.last_seen))
    query = select(sightings.c.crawl_id, *times).where(sightings.c.crawl_id.not_in(select(crawls.c.id)))
    missing = connection.execute(query.group_by(sightings.c.crawl_id)).all()
    for crawl_id, begun, ended in missing:
        crawl = Crawl(
            id=crawl_id,
            start_urls=(),
            max_images=None,
            max_depth=None,
            categories=(),
            follow="domain",
            sitemap=False,
            download=True,
        )
        start_crawl(connection, crawl, now=begun)
        finish_crawl(connection, crawl_id, Outcome(state="stopped", reason=REASON, pages=0, resumed=False, at=ended))
    return [row[0] for row in missing]


def _settle_times(connection: Connection, sha256s: set[str]) -> None:
    """Let images be first and last seen when their sightings were, whatever the order of the lines."""
    of_image = sightings.c.image_sha256 == images.c.sha256
    values = {
        "first_seen": select(func.min(sightings.c.seen_at)).where(of_image).scalar_subquery(),
        "last_seen": select(func.max(sightings.c.last_seen)).where(of_image).scalar_subquery(),
    }
    if sha256s:
        connection.execute(update(images).where(images.c.sha256.in_(sha256s)).values(values))
