"""The record of a crawl: written when it starts and when it ends."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import Connection, case, distinct, func, select, update
from sqlalchemy.dialects import postgresql, sqlite

from image_spider.catalog.schema import crawls, failures, images, sightings
from image_spider.crawl import Crawl


def start_crawl(connection: Connection, crawl: Crawl, *, now: datetime) -> None:
    """Record that the crawl runs. A crawl that had not completed keeps its start: this run continues it.

    One statement: several workers of a fleet may begin to serve a crawl at the same moment.
    """
    arguments = {name: value for name, value in asdict(crawl).items() if name in crawls.c}  # quotas are not recorded
    values = {**arguments, "state": "running", "reason": "", "finished_at": None}
    zeros = dict.fromkeys(("pages", "images", "sightings", "failures", "bytes"), 0)
    insert = (postgresql if connection.dialect.name == "postgresql" else sqlite).insert(crawls)
    new = insert.excluded
    updated = {name: new[name] for name in values if name != "id"}
    updated["started_at"] = case((crawls.c.state == "completed", new.started_at), else_=crawls.c.started_at)
    statement = insert.on_conflict_do_update(index_elements=[crawls.c.id], set_=updated)
    connection.execute(statement, {**values, **zeros, "started_at": now})


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a run of a crawl ended; pages are those of this run, which may have resumed an earlier one's queue."""

    state: str
    reason: str
    pages: int
    resumed: bool
    at: datetime


def finish_crawl(connection: Connection, crawl_id: str, outcome: Outcome) -> None:
    """Record how the crawl ended; its counters are counted from its rows, so that they are exact."""
    of_crawl = sightings.c.crawl_id == crawl_id
    seen = images.c.sha256.in_(select(sightings.c.image_sha256).where(of_crawl))
    counted = {
        "images": select(func.count(distinct(sightings.c.image_sha256))).where(of_crawl).scalar_subquery(),
        "sightings": select(func.count()).where(of_crawl).scalar_subquery(),
        "failures": select(func.count()).where(failures.c.crawl_id == crawl_id).scalar_subquery(),
        "bytes": select(func.coalesce(func.sum(images.c.bytes), 0)).where(seen).scalar_subquery(),
    }
    pages = crawls.c.pages + outcome.pages if outcome.resumed else outcome.pages
    connection.execute(
        update(crawls)
        .where(crawls.c.id == crawl_id)
        .values(**counted, state=outcome.state, reason=outcome.reason, pages=pages, finished_at=outcome.at)
    )
