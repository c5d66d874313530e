"""Named queries: one function each."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import fields
from datetime import datetime

from sqlalchemy import Connection, or_, select

from image_spider.catalog.keys import key
from image_spider.catalog.schema import images, sightings, topics
from image_spider.items import Image, Topic

IMAGE_COLUMNS = [images.c[field.name] for field in fields(Image) if field.name != "understanding"]
"""What an Image is made of, but for its understanding."""


def images_at_urls(connection: Connection, urls: Iterable[str], *, since: datetime) -> dict[str, Image]:
    """Return the image last downloaded from each of these URLs, but for those downloaded before `since`."""
    keys = {key(url): url for url in urls}
    rows = connection.execute(
        select(sightings.c.image_url_key, *IMAGE_COLUMNS)
        .join(images, sightings.c.image_sha256 == images.c.sha256)
        .where(sightings.c.image_url_key.in_(list(keys)), sightings.c.fetched_at >= since)
        .order_by(sightings.c.fetched_at)
    )
    return {keys[url_key]: Image(*columns) for url_key, *columns in rows}


def known_images(connection: Connection, sha256s: Iterable[str]) -> Sequence[str]:
    """Return those of the images that have a row."""
    return connection.scalars(select(images.c.sha256).where(images.c.sha256.in_(list(sha256s)))).all()


def model_topics(connection: Connection, sha256: str, *, label_model: str) -> Sequence[Topic] | None:
    """Return what this label model told of an image; None when it has not seen it. An SVG has no pixels to show it."""
    seen = or_(images.c.label_model == label_model, images.c.format == "svg")
    if connection.scalar(select(images.c.sha256).where(images.c.sha256 == sha256, seen)) is None:
        return None
    of_model = (topics.c.image_sha256 == sha256, topics.c.source == "model")
    rows = connection.execute(select(topics.c.topic, topics.c.score, topics.c.source).where(*of_model))
    return [Topic(*row) for row in rows]


def images_of_crawl(connection: Connection, crawl_id: str) -> Sequence[str]:
    """Return the SHA-256 of every image that the crawl has seen."""
    return connection.scalars(
        select(sightings.c.image_sha256)
        .where(sightings.c.crawl_id == crawl_id, sightings.c.image_sha256.is_not(None))
        .distinct()
    ).all()
