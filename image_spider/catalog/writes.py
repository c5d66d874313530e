"""Idempotent writes: the same item written twice leaves what writing it once leaves, but for `last_seen`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, fields
from typing import Any

from sqlalchemy import Connection, Table, delete
from sqlalchemy.dialects import postgresql, sqlite

from image_spider.catalog.keys import key
from image_spider.catalog.schema import FLAGS, failures, images, sightings
from image_spider.items import ImageItem, PageFailure, Understanding

_UNDERSTANDING = tuple({field.name for field in fields(Understanding)} - {"flags", "topics"})


def write_items(connection: Connection, items: Sequence[ImageItem | PageFailure]) -> None:
    """Write images, sightings and failures of one batch. An image that succeeds takes its old failure away."""
    found = [item for item in items if isinstance(item, ImageItem) and item.failure is None]
    _upsert(connection, images, (_image_row(item) for item in found if item.image), ["last_seen"])
    _upsert(connection, sightings, map(_sighting_row, found), ["last_seen"])
    failed = [row for row in map(_failure_row, items) if row["cause"]]
    _upsert(connection, failures, failed, ["cause", "detail", "last_seen"])
    mended = {_failure_key(item) for item in found} - {row["id"] for row in failed}
    if mended:
        connection.execute(delete(failures).where(failures.c.id.in_(mended)))


def _upsert(connection: Connection, table: Table, rows: Iterable[dict[str, Any]], updated: list[str]) -> None:
    (identifier,) = table.primary_key
    # One statement may not touch a row twice; sorted, two writers take row locks in the same order.
    unique = {row[identifier.name]: row for row in rows}
    if not unique:
        return
    insert = (postgresql if connection.dialect.name == "postgresql" else sqlite).insert(table)
    statement = insert.on_conflict_do_update(
        index_elements=[identifier], set_={name: insert.excluded[name] for name in updated}
    )
    connection.execute(statement, [unique[name] for name in sorted(unique)])


def _image_row(item: ImageItem) -> dict[str, Any]:
    assert item.image
    row = {**asdict(item.image), "first_seen": item.seen_at, "last_seen": item.seen_at}
    del row["understanding"]
    return row | understanding_columns(item.image.understanding)


def understanding_columns(understanding: Understanding | None) -> dict[str, Any]:
    """Return what was understood as columns of `images`; all null when nothing was."""
    if understanding is None:
        return dict.fromkeys((*_UNDERSTANDING, *FLAGS))
    columns = {name: getattr(understanding, name) for name in _UNDERSTANDING}
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
    }


def _failure_row(item: ImageItem | PageFailure) -> dict[str, Any]:
    return {
        "id": _failure_key(item),
        "image_url": item.candidate.url if isinstance(item, ImageItem) else None,
        "page_url": item.page_url,
        "cause": item.failure.cause if item.failure else "",
        "detail": _clean(item.failure.detail) if item.failure else "",
        "crawl_id": item.crawl_id,
        "seen_at": item.seen_at,
        "last_seen": item.seen_at,
    }


def _failure_key(item: ImageItem | PageFailure) -> str:
    return key(item.crawl_id, item.candidate.url if isinstance(item, ImageItem) else "", item.page_url)


def _clean(text: str) -> str:
    """Drop what no database takes as text: NUL characters and lone surrogates."""
    return text.replace("\x00", "").encode("utf-8", "ignore").decode("utf-8")
