"""What a report asks the catalog: one function per query, about the whole catalog or one crawl of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import CTE, ColumnElement, Connection, Select, and_, func, select, true

from image_spider.catalog.duplicates import chunks
from image_spider.catalog.schema import crawls, failures, images, sightings

_FIRST_SIGHTING = ("image_url", "page_url", "alt", "title", "caption")


def newest_crawls(connection: Connection, crawl_id: str | None, *, limit: int) -> list[dict[str, Any]]:
    """Return the latest crawls, newest first, or only the one named: none when it is unknown."""
    newest_first = (crawls.c.started_at.desc(), crawls.c.id)
    rows = connection.execute(
        select(crawls).where(_of_crawl(crawls.c.id, crawl_id)).order_by(*newest_first).limit(limit)
    )
    return [dict(row) for row in rows.mappings()]


def newest_images(
    connection: Connection, crawl_id: str | None, *, columns: Mapping[str, ColumnElement[Any]], limit: int
) -> list[dict[str, Any]]:
    """Return the images first seen last, newest first, each with what its first sighting says.

    columns are the expressions over `images` to return, by name; beside them stand the text and URLs of the first
    sighting and `sightings`, their number. With a crawl, only the crawl's sightings count.
    """
    newest_first = (images.c.first_seen.desc(), images.c.sha256)
    newest = select(images.c.sha256).where(_images_of(crawl_id)).order_by(*newest_first).limit(limit)
    query = _with_first_sighting(newest.cte("chosen"), crawl_id, columns).order_by(*newest_first)
    return [dict(row) for row in connection.execute(query).mappings()]


def named_images(
    connection: Connection, sha256s: Sequence[str], *, columns: Mapping[str, ColumnElement[Any]]
) -> list[dict[str, Any]]:
    """Return these images, in this order, as newest_images does; those without a row are left out."""
    rows: dict[str, dict[str, Any]] = {}
    for some in chunks(sha256s):
        named = select(images.c.sha256).where(images.c.sha256.in_(some)).cte("chosen")
        for row in connection.execute(_with_first_sighting(named, None, columns)).mappings():
            rows[row["sha256"]] = dict(row)
    return [rows[sha256] for sha256 in sha256s if sha256 in rows]


def _with_first_sighting(chosen: CTE, crawl_id: str | None, columns: Mapping[str, ColumnElement[Any]]) -> Select[Any]:
    image, oldest_first = sightings.c.image_sha256, (sightings.c.seen_at, sightings.c.id)
    first = (
        select(
            *sightings.c,
            func.row_number().over(partition_by=image, order_by=oldest_first).label("place"),
            func.count().over(partition_by=image).label("number"),
        )
        .where(_of_crawl(sightings.c.crawl_id, crawl_id), image.in_(select(chosen.c.sha256)))
        .subquery("first")
    )
    return (
        select(
            *(column.label(name) for name, column in columns.items()),
            *(func.coalesce(first.c[name], "").label(name) for name in _FIRST_SIGHTING),
            func.coalesce(first.c.number, 0).label("sightings"),
        )
        .join_from(chosen, images, images.c.sha256 == chosen.c.sha256)
        .outerjoin(first, and_(first.c.image_sha256 == chosen.c.sha256, first.c.place == 1))
    )


def images_by(connection: Connection, crawl_id: str | None, *, column: ColumnElement[Any]) -> dict[Any, int]:
    """Return how many images have each value of an expression over `images`."""
    values = select(column.label("value")).where(_images_of(crawl_id)).subquery()
    rows = connection.execute(select(values.c.value, func.count()).group_by(values.c.value))
    return dict(rows.all())


def totals(connection: Connection, crawl_id: str | None) -> dict[str, int]:
    """Return the number of images, their bytes, and the numbers of sightings, failures, pages and crawls.

    `not_downloaded` counts the sightings whose image was, by request, not fetched.
    """
    of_image, of_sighting = _images_of(crawl_id), _of_crawl(sightings.c.crawl_id, crawl_id)
    of_failure, of_crawl = _of_crawl(failures.c.crawl_id, crawl_id), _of_crawl(crawls.c.id, crawl_id)
    figures = {
        "images": select(func.count()).select_from(images).where(of_image),
        "bytes": select(func.sum(images.c.bytes)).where(of_image),
        "sightings": select(func.count()).select_from(sightings).where(of_sighting),
        "not_downloaded": select(func.count()).where(of_sighting, sightings.c.image_sha256.is_(None)),
        "failures": select(func.count()).select_from(failures).where(of_failure),
        "pages": select(func.sum(crawls.c.pages)).where(of_crawl),
        "crawls": select(func.count()).select_from(crawls).where(of_crawl),
    }
    row = connection.execute(select(*(figure.scalar_subquery().label(name) for name, figure in figures.items()))).one()
    return {name: int(value or 0) for name, value in zip(figures, row, strict=True)}


def failures_by_cause(connection: Connection, crawl_id: str | None) -> dict[str, dict[str, int]]:
    """Return the number of failures by cause, commonest first, those of `images` and those of `pages` apart."""
    of_page = failures.c.image_url.is_(None)
    rows = connection.execute(
        select(of_page, failures.c.cause, func.count())
        .where(_of_crawl(failures.c.crawl_id, crawl_id))
        .group_by(of_page, failures.c.cause)
        .order_by(func.count().desc(), failures.c.cause)
    )
    counts: dict[str, dict[str, int]] = {"images": {}, "pages": {}}
    for is_page, cause, count in rows:
        counts["pages" if is_page else "images"][cause] = count
    return counts


def newest_failures(connection: Connection, crawl_id: str | None, *, limit: int) -> list[dict[str, Any]]:
    """Return the latest failures, newest first; one without image_url is of the page itself."""
    names = ("image_url", "page_url", "cause", "detail", "crawl_id", "last_seen")
    rows = connection.execute(
        select(*(failures.c[name] for name in names))
        .where(_of_crawl(failures.c.crawl_id, crawl_id))
        .order_by(failures.c.last_seen.desc(), failures.c.id)
        .limit(limit)
    )
    return [dict(row) for row in rows.mappings()]


def _images_of(crawl_id: str | None) -> ColumnElement[bool]:
    if crawl_id is None:
        return true()
    return images.c.sha256.in_(select(sightings.c.image_sha256).where(sightings.c.crawl_id == crawl_id))


def _of_crawl(column: ColumnElement[str], crawl_id: str | None) -> ColumnElement[bool]:
    return true() if crawl_id is None else column == crawl_id
