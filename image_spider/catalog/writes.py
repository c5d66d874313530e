"""Idempotent writes: the same item written twice leaves what writing it once leaves, but for `last_seen`
and `fetched_at`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import Connection, delete, update

from image_spider import causes
from image_spider.catalog.duplicates import link_duplicates, lock_search, recorded_duplicates, searched_hash
from image_spider.catalog.keys import key
from image_spider.catalog.planner import expect_batches
from image_spider.catalog.range_search import parts
from image_spider.catalog.schema import FLAGS, PARTS, failures, images, sightings, topics
from image_spider.catalog.upserts import upsert
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

HOST_CHARACTERS = 255  # more than DNS allows
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
    expect_batches(connection)
    pictures = {item.image.sha256: item.image for item in items if isinstance(item, ImageItem) and item.image}
    known, links = _find_duplicates(connection, pictures, duplicates)
    refused = {
        sha256: Failure(causes.DUPLICATE, f"{link.kind}: {link.distance} of 256 bits differ from {link.of}")
        for sha256, link in links.items()
        if duplicates == "drop" and not link.larger
    }
    items = [_refuse(item, refused) for item in items]
    found = [item for item in items if isinstance(item, ImageItem) and item.failure is None]
    upsert(connection, images, (image_row(item, links) for item in found if item.image), ["last_seen"])
    _write_topics(connection, found)
    upsert(connection, sightings, map(sighting_row, found), ["last_seen"], unless_null=["fetched_at"])
    failed = {_failure_key(item): item for item in items if item.failure}
    failure_rows = (_failure_row(item, item.failure) for item in failed.values() if item.failure)
    upsert(connection, failures, failure_rows, ["cause", "detail", "last_seen"])
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
        for model in {told.label_model for told in labelled.values()}:
            by_model = [sha256 for sha256, told in labelled.items() if told.label_model == model]
            other = images.c.label_model.is_distinct_from(model)
            connection.execute(update(images).where(images.c.sha256.in_(by_model), other).values(label_model=model))
        rows = (topic_row(sha256, topic) for sha256, told in labelled.items() for topic in told.topics)
        upsert(connection, topics, rows, ["score"])


def _write_topics(connection: Connection, found: Sequence[ImageItem]) -> None:
    """Write what the words beside images and the label model told; of several sightings the greatest score stays."""
    told = [(item.image.sha256, topic) for item in found if item.image for topic in item.topics]
    told.sort(key=lambda pair: pair[1].score)
    upsert(connection, topics, (topic_row(sha256, topic) for sha256, topic in told), [], greatest=["score"])
    write_model_topics(connection, [item.image for item in found if item.image])


def topic_row(sha256: str, topic: Topic) -> dict[str, Any]:
    """Return what `topics` keeps of a subject of an image."""
    return {"image_sha256": sha256, "topic": topic.name, "source": topic.source, "score": topic.score}


def image_row(item: ImageItem, links: Mapping[str, Duplicate]) -> dict[str, Any]:
    """Return what `images` keeps of an item's image, and of its link to an original."""
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


def sighting_key(item: ImageItem) -> str:
    """Return the key of an item's sighting: what was seen where, by which crawl."""
    return key(item.crawl_id, item.candidate.url, item.page_url, item.image.sha256 if item.image else "")


def sighting_row(item: ImageItem) -> dict[str, Any]:
    """Return what `sightings` keeps of an item."""
    candidate, sha256 = item.candidate, item.image.sha256 if item.image else None
    return {
        "id": sighting_key(item),
        "image_sha256": sha256,
        "image_url": candidate.url,
        "image_url_key": key(candidate.url),
        "host": (urlsplit(candidate.url).hostname or "")[:HOST_CHARACTERS],
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
