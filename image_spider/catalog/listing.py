"""Pages of images that meet filters, in the order of their SHA-256.

That order is the one of a key, so a page begins where the last one ended, at any depth, and it is as good as random:
what is rare is spread evenly, and no filter meets a stretch of a million images without one that it wants.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, Select, func, literal_column, select

from image_spider.catalog.schema import SPOKEN, TEXT_VECTOR, images, sightings, topics

_UNSPACED = re.compile(r"[\u2E80-\u9FFF\uF900-\uFAFF]+")  # Chinese and Japanese characters
_TERM = re.compile(rf"{_UNSPACED.pattern}|[^\W_\u2E80-\u9FFF\uF900-\uFAFF]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """What images are asked for; None asks for all.

    One sighting must meet all of host (of the image's URL), crawl_id and text: each of its words stands in the alt,
    title, caption or page title. Words are whole ones on PostgreSQL, but for Chinese and Japanese; on SQLite, which
    knows no capitals but A to Z, parts of words are found too. Quality is 0 to 1.
    """

    format: str | None = None
    size_class: str | None = None
    shape: str | None = None
    content: str | None = None
    quality_from: float | None = None
    quality_to: float | None = None
    topic: str | None = None
    host: str | None = None
    crawl_id: str | None = None
    text: str | None = None


def matching_images(connection: Connection, filters: Filters, *, after: str = "", limit: int) -> list[str]:
    """Return the SHA-256 of the next images that meet the filters, those above `after`."""
    query = _matching(connection.dialect.name, filters, after).limit(limit)
    return list(connection.scalars(query))


def count_matching(connection: Connection, filters: Filters, *, at_most: int) -> int:
    """Return how many images meet the filters, or at_most when there are more: to count a million takes its time."""
    some = _matching(connection.dialect.name, filters, "").order_by(None).limit(at_most).subquery()
    return connection.scalar(select(func.count()).select_from(some)) or 0


def _matching(dialect: str, filters: Filters, after: str) -> Select[str]:
    """Return the search. Every part says `after` for itself: no planner carries it over a join.

    What is asked of sightings leads, each image once, in the order of the keys: as a condition (IN, EXISTS),
    PostgreSQL read half of `images` to find a crawl's screenshots (500 ms instead of 20).
    """
    query = select(images.c.sha256).where(images.c.sha256 > after, *_of_image(filters))
    if filters.topic is not None:
        of_topic = (topics.c.topic == filters.topic, topics.c.image_sha256 > after)
        query = query.where(images.c.sha256.in_(select(topics.c.image_sha256).where(*of_topic)))
    if of_sighting := tuple(_of_sighting(dialect, filters)):
        image = sightings.c.image_sha256
        seen = select(image).where(*of_sighting, image > after).distinct().subquery("seen")
        return query.join(seen, images.c.sha256 == seen.c.image_sha256).order_by(seen.c.image_sha256)
    return query.order_by(images.c.sha256)


def _of_image(filters: Filters) -> Iterator[ColumnElement[bool]]:
    for name in ("format", "size_class", "shape", "content"):
        if (wanted := getattr(filters, name)) is not None:
            yield images.c[name] == wanted
    if filters.quality_from is not None:
        yield images.c.quality >= filters.quality_from
    if filters.quality_to is not None:
        yield images.c.quality <= filters.quality_to


def _of_sighting(dialect: str, filters: Filters) -> Iterator[ColumnElement[bool]]:
    for name in ("host", "crawl_id"):
        if (wanted := getattr(filters, name)) is not None:
            yield sightings.c[name] == wanted
    terms = _TERM.findall(filters.text or "")
    if terms and dialect == "postgresql":
        phrases = " ".join(f'"{" ".join(term) if _UNSPACED.match(term) else term}"' for term in terms)
        yield literal_column(TEXT_VECTOR).bool_op("@@")(func.websearch_to_tsquery(literal_column("'simple'"), phrases))
    elif terms:
        yield from (literal_column(SPOKEN).contains(term, autoescape=True) for term in terms)
