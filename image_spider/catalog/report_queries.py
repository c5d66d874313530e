"""What a report asks the catalog: one function per query, about the whole catalog or one crawl of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import (
    CTE,
    ColumnElement,
    Connection,
    Select,
    Subquery,
    and_,
    case,
    func,
    literal,
    select,
    true,
    union_all,
)

from image_spider.catalog.duplicates import AT_ONCE
from image_spider.catalog.schema import FLAGS, crawls, failures, images, sightings, topics
from image_spider.parts import parts

_FIRST_SIGHTING = ("image_url", "page_url", "alt", "title", "caption")

QUALITY_RANGES = ("0.8 to 1", "0.6 to 0.8", "0.4 to 0.6", "below 0.4")
QUALITY = case(
    (images.c.quality >= 0.8, QUALITY_RANGES[0]),
    (images.c.quality >= 0.6, QUALITY_RANGES[1]),
    (images.c.quality >= 0.4, QUALITY_RANGES[2]),
    (images.c.quality < 0.4, QUALITY_RANGES[3]),
)
_RAISED = union_all(*(select(images.c.sha256, literal(flag).label("flag")).where(images.c[flag]) for flag in FLAGS))
FLAGS_RAISED = select(*_RAISED.subquery("raised").columns)  # an image may have several, or none
TOPICS = select(topics.c.image_sha256, topics.c.topic)  # of both sources: an image may have a topic twice


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
    # OFFSET 0: else the newest of all are asked one by one whether an old crawl has seen them (minutes, not 0.1 s).
    asked = (
        select(images.c.sha256, images.c.first_seen)
        .where(_images_of(crawl_id))
        .offset(None if crawl_id is None else 0)
        .subquery("asked")
    )
    newest = select(asked.c.sha256).order_by(asked.c.first_seen.desc(), asked.c.sha256).limit(limit)
    query = _with_first_sighting(newest.cte("chosen"), crawl_id, columns).order_by(*newest_first)
    return [dict(row) for row in connection.execute(query).mappings()]


def named_images(
    connection: Connection, sha256s: Sequence[str], *, columns: Mapping[str, ColumnElement[Any]]
) -> list[dict[str, Any]]:
    """Return these images, in this order, as newest_images does; those without a row are left out."""
    rows: dict[str, dict[str, Any]] = {}
    for some in parts(sha256s, AT_ONCE):
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


def images_by_pairs(
    connection: Connection, crawl_id: str | None, *, pairs: Select[tuple[str, str]]
) -> dict[str | None, int]:
    """Return how many images have each value of a query of (SHA-256, value), and under None how many have none."""
    pair = _named(pairs)
    of_crawl = select(images.c.sha256.label("image"), pair.c.value).outerjoin_from(
        images, pair, pair.c.image == images.c.sha256
    )
    values = of_crawl.where(_images_of(crawl_id)).subquery()
    rows = connection.execute(select(values.c.value, func.count(values.c.image.distinct())).group_by(values.c.value))
    return dict(rows.all())


def values_of(
    connection: Connection, images_shown: Sequence[str], *, pairs: Select[tuple[str, str]]
) -> dict[str, list[str]]:
    """Return the values of a query of (SHA-256, value) for these images, sorted, each once; none for some."""
    pair = _named(pairs)
    values: dict[str, list[str]] = {}
    for some in parts(images_shown, AT_ONCE):
        query = select(pair.c.image, pair.c.value).where(pair.c.image.in_(some)).distinct().order_by(pair.c.value)
        for image, value in connection.execute(query):
            values.setdefault(image, []).append(value)
    return values


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


def _named(pairs: Select[tuple[str, str]]) -> Subquery:
    image, value = pairs.selected_columns
    return pairs.with_only_columns(image.label("image"), value.label("value")).subquery()


def _images_of(crawl_id: str | None) -> ColumnElement[bool]:
    if crawl_id is None:
        return true()
    return images.c.sha256.in_(select(sightings.c.image_sha256).where(sightings.c.crawl_id == crawl_id))


def _of_crawl(column: ColumnElement[str], crawl_id: str | None) -> ColumnElement[bool]:
    return true() if crawl_id is None else column == crawl_id
