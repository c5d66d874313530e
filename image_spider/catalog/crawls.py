"""The record of a crawl: written when it starts and when it ends."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime

from sqlalchemy import Connection, distinct, func, insert, select, update

from image_spider.catalog.schema import crawls, failures, images, sightings
from image_spider.crawl import Crawl


def start_crawl(connection: Connection, crawl: Crawl, *, now: datetime) -> None:
    """Record that the crawl runs. A crawl that had not completed keeps its start: this run continues it."""
    values = {**asdict(crawl), "state": "running", "reason": "", "finished_at": None}
    known = connection.execute(select(crawls.c.state).where(crawls.c.id == crawl.id)).scalar()
    if known is None:
        zeros = dict.fromkeys(("pages", "images", "sightings", "failures", "bytes"), 0)
        connection.execute(insert(crawls).values(**values, **zeros, started_at=now))
        return
    if known == "completed":
        values["started_at"] = now
    connection.execute(update(crawls).where(crawls.c.id == crawl.id).values(**values))


def finish_crawl(connection: Connection, crawl_id: str, *, state: str, reason: str, pages: int, now: datetime) -> None:
    """Record how the crawl ended; its counters are counted from its rows, so that they are exact."""
    of_crawl = sightings.c.crawl_id == crawl_id
    seen = images.c.sha256.in_(select(sightings.c.image_sha256).where(of_crawl))
    values = {
        "images": select(func.count(distinct(sightings.c.image_sha256))).where(of_crawl).scalar_subquery(),
        "sightings": select(func.count()).where(of_crawl).scalar_subquery(),
        "failures": select(func.count()).where(failures.c.crawl_id == crawl_id).scalar_subquery(),
        "bytes": select(func.coalesce(func.sum(images.c.bytes), 0)).where(seen).scalar_subquery(),
    }
    connection.execute(
        update(crawls)
        .where(crawls.c.id == crawl_id)
        .values(**values, state=state, reason=reason, pages=pages, finished_at=now)
    )
