"""The images that resemble one picture, by a look at every row: for a person who asks, not for a crawl."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, Row, select

from image_spider.catalog.duplicates import NEAR_BITS, SAME_BITS, Picture
from image_spider.catalog.schema import images, sightings
from image_spider.exceptions import UsageError

ROWS = 20_000  # read at a time
_DIGITS = 64  # of a SHA-256


@dataclass(frozen=True, slots=True, kw_only=True)
class SimilarImage:
    """An image of the catalog beside the picture asked for.

    kind: exact (the same bytes), pixel, same, near, far, or frames: alike in the first of another number of frames.
    distance counts the bits of phash_256, of 256, in which the two differ. url is where it was seen first, "" if no
    sighting is left.
    """

    sha256: str
    kind: str
    distance: int
    width: int
    height: int
    bytes: int
    path: str
    url: str


def picture_named(connection: Connection, name: str) -> Picture:
    """Return the image of this SHA-256, or of the only one that starts so; raise UsageError if there is none."""
    query = select(images).where(images.c.sha256 >= name, images.c.sha256 <= name + "g").limit(2)
    rows = connection.execute(query).all()
    if len(rows) != 1:
        allowed = "more digits: several images start so" if rows else "the SHA-256 of an image in the catalog"
        raise UsageError("SHA256", name, allowed)
    return _picture(rows[0])


def similar_images(
    connection: Connection, picture: Picture, *, distance: int, limit: int
) -> tuple[list[SimilarImage], int]:
    """Return the images within `distance` bits, nearest first, at most limit, and how many there are.

    Exact for every distance, because every phash_256 is read and compared: 1.5 s for a million rows. A picture of low
    information is compared by its pixels alone. The picture itself is in the answer when the catalog has it.
    """
    found = 0
    nearest: list[tuple[int, str]] = []
    candidates = _distances(connection, picture.phash_256) if picture.phash_256 else _equal_pixels(connection, picture)
    for rows, distances in candidates:
        within = np.flatnonzero(distances <= distance)
        found += len(within)
        nearest = heapq.nsmallest(limit, [*nearest, *((int(distances[n]), rows[n][:_DIGITS]) for n in within.tolist())])
    answer = [_similar_image(picture, _row(connection, sha256), bits) for bits, sha256 in nearest]
    return sorted(answer, key=lambda image: (image.distance, image.kind not in {"exact", "pixel"}, image.sha256)), found


def _distances(connection: Connection, phash_256: str) -> Iterator[tuple[Sequence[str], NDArray[np.intp]]]:
    """Compare with every hash. One text for each row, SHA-256 and hash, is read in half the time of two."""
    wanted = np.frombuffer(bytes.fromhex(phash_256), np.uint64)
    query = select(images.c.sha256 + images.c.phash_256).where(images.c.phash_256.is_not(None))
    for rows in connection.scalars(query, execution_options={"yield_per": ROWS}).partitions():
        words = np.frombuffer(bytes.fromhex("".join(rows)), np.uint64).reshape(len(rows), -1)
        yield rows, np.bitwise_count(words[:, -len(wanted) :] ^ wanted).sum(axis=1, dtype=np.intp)


def _equal_pixels(connection: Connection, picture: Picture) -> Iterator[tuple[Sequence[str], NDArray[np.intp]]]:
    rows = connection.scalars(select(images.c.sha256).where(images.c.pixel_hash == picture.pixel_hash)).all()
    yield rows, np.zeros(len(rows), np.intp)


def _row(connection: Connection, sha256: str) -> Row[Any]:
    first_url = (
        select(sightings.c.image_url)
        .where(sightings.c.image_sha256 == sha256)
        .order_by(sightings.c.seen_at, sightings.c.id)
        .limit(1)
        .scalar_subquery()
    )
    return connection.execute(select(images, first_url.label("url")).where(images.c.sha256 == sha256)).one()


def _similar_image(picture: Picture, row: Row[Any], bits: int) -> SimilarImage:
    return SimilarImage(
        sha256=row.sha256,
        kind=_kind(picture, row, bits),
        distance=bits,
        width=row.width,
        height=row.height,
        bytes=row.bytes,
        path=row.path,
        url=row.url or "",
    )


def _kind(picture: Picture, row: Row[Any], bits: int) -> str:
    if row.sha256 == picture.sha256:
        return "exact"
    if bits > NEAR_BITS:
        return "far"
    if row.frames != picture.frames:
        return "frames"
    if row.pixel_hash == picture.pixel_hash:
        return "pixel"
    return "same" if bits <= SAME_BITS else "near"


def _picture(row: Row[Any]) -> Picture:
    return Picture(row.sha256, row.pixel_hash, row.phash_256, row.frames, row.width * row.height)
