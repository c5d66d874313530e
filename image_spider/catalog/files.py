"""What the catalog says about the files of the store: which there are to be, and where they came from."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, func, or_, select

from image_spider.catalog.schema import images, sightings


@dataclass(frozen=True, slots=True, order=True)
class RecordedFile:
    """The file of an image that has a row: its SHA-256, which is its content, its path in a store, its size."""

    sha256: str
    path: str
    bytes: int


def recorded_files(connection: Connection, *, after: str, limit: int) -> Sequence[RecordedFile]:
    """Return the files of the next images by SHA-256, those above `after`."""
    columns = (images.c.sha256, images.c.path, images.c.bytes)
    rows = connection.execute(
        select(*columns).where(images.c.sha256 > after).order_by(images.c.sha256).limit(limit)
    ).all()
    return [RecordedFile(*row) for row in rows]


def count_recorded(connection: Connection) -> int:
    """Return how many images have a row."""
    return connection.scalar(select(func.count()).select_from(images)) or 0


def unrecorded_paths(connection: Connection, paths: Collection[str]) -> set[str]:
    """Return those of the paths that are not that of any image; a path is `ab/cd/<sha256>.<extension>`."""
    sha256s = {_sha256(path) for path in paths}
    found = connection.scalars(select(images.c.path).where(images.c.sha256.in_(sha256s)))
    return {*paths} - {*found}


def sources(connection: Connection, sha256s: Iterable[str], *, pages: bool) -> dict[str, str]:
    """Return the URL that each image was last downloaded from, or with pages that of the page where it was seen.

    Images are left out that came from no URL: those of data: URIs have a page alone.
    """
    url = sightings.c.page_url if pages else sightings.c.image_url
    rows = connection.execute(
        select(sightings.c.image_sha256, url)
        .where(sightings.c.image_sha256.in_(list(sha256s)), or_(url.like("http://%"), url.like("https://%")))
        .order_by(sightings.c.fetched_at.is_not(None), sightings.c.fetched_at, sightings.c.last_seen)
    )
    return {sha256: found for sha256, found in rows}  # noqa: C416 - of several the last one stays


def _sha256(path: str) -> str:
    return path.rpartition("/")[2].partition(".")[0]
