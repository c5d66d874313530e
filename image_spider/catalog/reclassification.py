"""The classes of images made anew from their stored scores, after a change of the rules."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, bindparam, func, or_, select, update

from image_spider.catalog.catalog import Catalog
from image_spider.catalog.schema import FLAGS, images
from image_spider.imaging.content import content_kind
from image_spider.imaging.rules import RULES_VERSION, evaluate

BATCH_IMAGES = 500  # a transaction of 500 holds the other writers up for some milliseconds


def count_outdated(catalog: Catalog, *, version: int = RULES_VERSION) -> int:
    """Return how many images have scores, and classes by other rules than these."""
    with catalog.reading() as connection:
        return connection.scalar(select(func.count()).select_from(images).where(_outdated(version))) or 0


def reclassify(catalog: Catalog) -> Iterator[int]:
    """Make flags, quality and content of every outdated image anew; yield the number of each batch that is committed.

    No file is read. What is done carries the new version, so it may be ended at any point and begun again. The images
    are walked in the order of their keys: a search for what is left would begin at the first one each time.
    """
    after = ""
    while rows := _next_outdated(catalog, after):
        catalog.transaction(partial(_write, classes=[_classes(row) for row in rows]))
        after = rows[-1].sha256
        yield len(rows)


_UPDATE = (
    update(images)
    # A rescan may have measured it since its scores were read; these classes would be stale, and stay.
    .where(images.c.sha256 == bindparam("image"), images.c.rules_version.is_distinct_from(RULES_VERSION))
    .values({name: bindparam(f"new_{name}") for name in (*FLAGS, "quality", "content", "rules_version")})
)


def _write(connection: Connection, *, classes: Sequence[dict[str, Any]]) -> None:
    connection.execute(_UPDATE, classes)


def _next_outdated(catalog: Catalog, after: str) -> Sequence[Row[Any, Any]]:
    query = (
        select(images.c.sha256, images.c.scores)
        .where(images.c.sha256 > after, _outdated(RULES_VERSION))
        .order_by(images.c.sha256)
        .limit(BATCH_IMAGES)
    )
    with catalog.reading() as connection:
        return connection.execute(query).all()


def _outdated(version: int) -> ColumnElement[bool]:
    other = or_(images.c.rules_version.is_(None), images.c.rules_version != version)
    return and_(images.c.scores.is_not(None), other)


def _classes(row: Row[Any, Any]) -> dict[str, Any]:
    verdict = evaluate(row.scores)
    classes = {"quality": verdict.quality, "content": content_kind(row.scores), "rules_version": RULES_VERSION}
    classes |= {flag: flag in verdict.flags for flag in FLAGS}
    return {"image": row.sha256} | {f"new_{name}": value for name, value in classes.items()}
