"""Idempotent writes: the same item written twice leaves what writing it once leaves, but for `last_seen`
and `fetched_at`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import cache
from typing import Any

from sqlalchemy import Connection, Insert, Table, bindparam, case, delete, func, update
from sqlalchemy.dialects import postgresql, sqlite

from image_spider import causes
from image_spider.catalog.duplicates import link_duplicates, lock_search, recorded_duplicates, searched_hash
from image_spider.catalog.keys import key
from image_spider.catalog.range_search import parts
from image_spider.catalog.schema import FLAGS, PARTS, failures, images, sightings, topics
from image_spider.imaging.analysis import SCORES_VERSION
from image_spider.items import (
    Duplicate,
    DuplicatePolicy,
    Failure,
    Image,
    ImageItem,
    PageItem,
    Topic,
    Understanding,
)

_IMAGE = tuple(field.name for field in fields(Image) if field.name != "understanding")
_UNDERSTANDING = tuple({field.name for field in fields(Understanding)} - {"flags", "topics"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What a batch turned out to be, by the SHA-256 of its images.

    duplicates are the images that are one, new or not; linked is the number of those recorded as one just now; refused
    are the images that are not kept, each with the failure that was recorded for it.
    """

    duplicates: dict[str, Duplicate]
    linked: int
    refused: dict[str, Failure]


def write_items(
    connection: Connection, items: Sequence[ImageItem | PageItem], *, duplicates: DuplicatePolicy = "link"
) -> Written:
    """Write one batch: images, sightings and failures. What succeeds takes its old failure away.

    duplicates says what becomes of a new image that is a duplicate: "keep" does not look, "link" records it, and
    "drop" refuses it, unless it has more pixels than its original.
    """
    pictures = {item.image.sha256: item.image for item in items if isinstance(item, ImageItem) and item.image}
    known, links = _find_duplicates(connection, pictures, duplicates)
    refused = {
        sha256: Failure(causes.DUPLICATE, f"{link.kind}: {link.distance} of 256 bits differ from {link.of}")
        for sha256, link in links.items()
        if duplicates == "drop" and not link.larger
    }
    items = [_refuse(item, refused) for item in items]
    found = [item for item in items if isinstance(item, ImageItem) and item.failure is None]
    _upsert(connection, images, (_image_row(item, links) for item in found if item.image), ["last_seen"])
    _write_topics(connection, found)
    _upsert(connection, sightings, map(_sighting_row, found), ["last_seen"], unless_null=["fetched_at"])
    failed = {_failure_key(item): item for item in items if item.failure}
    failure_rows = (_failure_row(item, item.failure) for item in failed.values() if item.failure)
    _upsert(connection, failures, failure_rows, ["cause", "detail", "last_seen"])
    mended = {_failure_key(item) for item in items} - failed.keys()
    if mended:
        connection.execute(delete(failures).where(failures.c.id.in_(mended)))
    return Written(duplicates=known | links, linked=len(links) - len(refused), refused=refused)


def _find_duplicates(
    connection: Connection, pictures: dict[str, Image], policy: DuplicatePolicy
) -> tuple[dict[str, Duplicate], dict[str, Duplicate]]:
    """Return the duplicates among images that have a row, and among those that have none yet."""
    if policy == "keep":
        return {}, {}
    if any(image.understanding for image in pictures.values()):  # else they all came from the catalog
        lock_search(connection)
    recorded = recorded_duplicates(connection, pictures)
    new = [image for sha256, image in pictures.items() if sha256 not in recorded]
    known = {sha256: duplicate for sha256, duplicate in recorded.items() if duplicate}
    return known, link_duplicates(connection, new, scores_version=SCORES_VERSION)


def _refuse(item: ImageItem | PageItem, refused: Mapping[str, Failure]) -> ImageItem | PageItem:
    if not isinstance(item, ImageItem) or item.image is None or item.image.sha256 not in refused:
        return item
    return replace(item, image=None, failure=refused[item.image.sha256])


def write_model_topics(connection: Connection, found: Sequence[Image]) -> None:
    """Write what the label model told of images, and its name; what a model told of them before goes."""
    labelled = {image.sha256: image.understanding for image in found if image.understanding}
    labelled = {sha256: told for sha256, told in labelled.items() if told.label_model}
    if labelled:
        connection.execute(delete(topics).where(topics.c.image_sha256.in_(labelled), topics.c.source == "model"))
        statement = update(images).where(images.c.sha256 == bindparam("image")).values(label_model=bindparam("model"))
        connection.execute(
            statement, [{"image": sha256, "model": told.label_model} for sha256, told in labelled.items()]
        )
        rows = (_topic_row(sha256, topic) for sha256, told in labelled.items() for topic in told.topics)
        _upsert(connection, topics, rows, ["score"])


def _write_topics(connection: Connection, found: Sequence[ImageItem]) -> None:
    """Write what the words beside images and the label model told; of several sightings the greatest score stays."""
    told = [(item.image.sha256, topic) for item in found if item.image for topic in item.topics]
    told.sort(key=lambda pair: pair[1].score)
    _upsert(connection, topics, (_topic_row(sha256, topic) for sha256, topic in told), [], greatest=["score"])
    write_model_topics(connection, [item.image for item in found if item.image])


def _upsert(
    connection: Connection,
    table: Table,
    rows: Iterable[dict[str, Any]],
    updated: Sequence[str],
    *,
    greatest: Sequence[str] = (),
    unless_null: Sequence[str] = (),
) -> None:
    """Insert rows; of those that are there, update some columns, others only by a greater value or one not null."""
    # One statement may not touch a row twice; sorted, two writers take row locks in the same order.
    identifiers = list(table.primary_key)
    unique = {tuple(row[column.name] for column in identifiers): row for row in rows}
    if not unique:
        return
    statement = _upsert_statement(connection.dialect.name, table, (*updated,), (*greatest,), (*unless_null,))
    connection.execute(statement, [unique[key] for key in sorted(unique)])


@cache  # making a statement costs more than running it
def _upsert_statement(
    dialect: str, table: Table, updated: tuple[str, ...], greatest: tuple[str, ...], unless_null: tuple[str, ...]
) -> Insert:
    insert = (postgresql if dialect == "postgresql" else sqlite).insert(table)
    new = insert.excluded
    values = {name: new[name] for name in updated}
    values |= {name: case((new[name] > table.c[name], new[name]), else_=table.c[name]) for name in greatest}
    values |= {name: func.coalesce(new[name], table.c[name]) for name in unless_null}
    statement: Insert = insert.on_conflict_do_update(index_elements=list(table.primary_key), set_=values)
    return statement


def _topic_row(sha256: str, topic: Topic) -> dict[str, Any]:
    return {"image_sha256": sha256, "topic": topic.name, "source": topic.source, "score": topic.score}


def _image_row(item: ImageItem, links: Mapping[str, Duplicate]) -> dict[str, Any]:
    assert item.image
    row = {name: getattr(item.image, name) for name in _IMAGE} | {"first_seen": item.seen_at, "last_seen": item.seen_at}
    return row | understanding_columns(item.image.understanding) | duplicate_columns(links.get(item.image.sha256))


def duplicate_columns(duplicate: Duplicate | None) -> dict[str, Any]:
    """Return the link to an original as columns of `images`; all null for an original."""
    return {
        "duplicate_of": duplicate and duplicate.of,
        "duplicate_kind": duplicate and duplicate.kind,
        "duplicate_distance": duplicate and duplicate.distance,
    }


def understanding_columns(understanding: Understanding | None) -> dict[str, Any]:
    """Return what was understood as columns of `images`; all null when nothing was."""
    if understanding is None:
        return dict.fromkeys((*_UNDERSTANDING, *PARTS, *FLAGS))
    columns = {name: getattr(understanding, name) for name in _UNDERSTANDING}
    hash_64 = searched_hash(understanding)
    columns |= dict(zip(PARTS, parts(hash_64), strict=True)) if hash_64 else dict.fromkeys(PARTS)
    return columns | {flag: flag in understanding.flags for flag in FLAGS}


def _sighting_row(item: ImageItem) -> dict[str, Any]:
    candidate, sha256 = item.candidate, item.image.sha256 if item.image else None
    return {
        "id": key(item.crawl_id, candidate.url, item.page_url, sha256 or ""),
        "image_sha256": sha256,
        "image_url": candidate.url,
        "image_url_key": key(candidate.url),
        "page_url": item.page_url,
        "crawl_id": item.crawl_id,
        "source": candidate.source,
        "alt": _clean(candidate.alt),
        "title": _clean(candidate.title),
        "caption": _clean(candidate.caption),
        "text": _clean(candidate.text),
        "page_title": _clean(item.page_title),
        "declared_width": candidate.width,
        "declared_height": candidate.height,
        "alternatives": list(candidate.alternatives),
        "seen_at": item.seen_at,
        "last_seen": item.seen_at,
        "fetched_at": item.fetched_at,
    }


def _failure_row(item: ImageItem | PageItem, failure: Failure) -> dict[str, Any]:
    return {
        "id": _failure_key(item),
        "image_url": item.candidate.url if isinstance(item, ImageItem) else None,
        "page_url": item.page_url,
        "cause": failure.cause,
        "detail": _clean(failure.detail),
        "crawl_id": item.crawl_id,
        "seen_at": item.seen_at,
        "last_seen": item.seen_at,
    }


def _failure_key(item: ImageItem | PageItem) -> str:
    return key(item.crawl_id, item.candidate.url if isinstance(item, ImageItem) else "", item.page_url)


def _clean(text: str) -> str:
    """Drop what no database takes as text: NUL characters and lone surrogates."""
    return text.replace("\x00", "").encode("utf-8", "ignore").decode("utf-8")
