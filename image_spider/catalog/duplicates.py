"""Which images are the same picture again, decided while they are written."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, func, select

from image_spider.catalog.range_search import FOUND, MOST_BITS, within_each
from image_spider.catalog.schema import images
from image_spider.imaging.hashes import NEAR_BITS, SAME_BITS, distance
from image_spider.items import Duplicate, DuplicateKind, Image, Understanding
from image_spider.parts import parts

SEARCHED = "dhash_64"
"""The hash by which candidates are found, dhash_64 or phash_64; part_0 .. part_3 of every row are made of it."""
HASH_BITS = 256
AT_ONCE = 500  # values in one IN: older SQLite takes 999 parameters
_SEARCH_LOCK = 0x696D6167  # any number that no other advisory lock of the database has

DUPLICATES = func.coalesce(images.c.duplicate_kind, "original")
"""What an image is: original, pixel, same or near."""


@dataclass(frozen=True, slots=True)
class Picture:
    """What of an image tells whether it shows what another one shows."""

    sha256: str
    pixel_hash: str | None
    phash_256: str | None
    frames: int
    pixels: int

    def duplicate_of(self, original: Picture) -> Duplicate | None:
        """Compare with an original; None when it is another picture.

        Hashes see the first frame alone, so pictures of different numbers of frames are different, and an animation
        that starts blank is like no other. A still that says too little for a perceptual hash is compared by its
        pixels.
        """
        kind: DuplicateKind = "pixel"
        bits = 0
        if self.frames != original.frames or self.sha256 == original.sha256:
            return None
        if self.pixel_hash is None or self.pixel_hash != original.pixel_hash:
            if self.phash_256 is None or original.phash_256 is None:
                return None
            bits = distance(self.phash_256, original.phash_256)
            if bits > NEAR_BITS:
                return None
            kind = "same" if bits <= SAME_BITS else "near"
        elif self.phash_256 is None and self.frames > 1:
            return None
        return Duplicate(original.sha256, kind, bits, larger=self.pixels > original.pixels)


def searched_hash(understanding: Understanding) -> str | None:
    """Return the hash that is searched; None for a picture of low information."""
    hash_64: str | None = getattr(understanding, SEARCHED)
    return hash_64


def recorded_duplicates(connection: Connection, sha256s: Iterable[str]) -> dict[str, Duplicate | None]:
    """Return of which original each of these images is a duplicate; an image that has no row is not in the answer."""
    original = images.alias("original")
    query = select(
        images.c.sha256,
        images.c.duplicate_of,
        images.c.duplicate_kind,
        images.c.duplicate_distance,
        (images.c.width * images.c.height > original.c.width * original.c.height).label("larger"),
    ).outerjoin(original, images.c.duplicate_of == original.c.sha256)
    return {
        row.sha256: Duplicate(row.duplicate_of, row.duplicate_kind, row.duplicate_distance, bool(row.larger))
        if row.duplicate_of
        else None
        for some in parts(list(sha256s), AT_ONCE)
        for row in connection.execute(query.where(images.c.sha256.in_(some)))
    }


def lock_search(connection: Connection) -> None:
    """Let one transaction at a time search and write, so that two workers cannot miss each other's originals.

    SQLite has one writer anyway. The lock ends with the transaction.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(_SEARCH_LOCK)))


def link_duplicates(connection: Connection, new: Sequence[Image], *, scores_version: int) -> dict[str, Duplicate]:
    """Return of which original each new image is a duplicate: of a row, or of an image before it in the sequence.

    new are images that have no row yet; or rows to be linked anew, none of them measured by scores_version yet.
    Originals that are not measured by it are not looked at: hashes of two versions are not compared. An original
    is an image that is a duplicate of none, and only originals are compared, so groups are flat, no chain of small
    differences joins what is unlike, and the decision does not depend on which duplicates were kept. Of several
    originals the closest wins, then the one of the lowest SHA-256.
    Weakness: an image that is near a duplicate of a group but not near its original starts a group of its own.
    """
    originals = _originals_like(connection, new, scores_version)
    links: dict[str, Duplicate] = {}
    earlier: list[tuple[Picture, int | None]] = []
    for image in new:
        if image.understanding is None:
            continue
        picture, hash_64 = _picture(image), searched_hash(image.understanding)
        word = int(hash_64, 16) if hash_64 else None
        candidates = [*originals.get(image.sha256, ()), *_alike(picture, word, earlier)]
        found = [match for original in candidates if (match := picture.duplicate_of(original))]
        if found:
            links[image.sha256] = min(found, key=lambda match: (match.kind != "pixel", match.distance, match.of))
        else:
            earlier.append((picture, word))
    return links


def _originals_like(connection: Connection, new: Sequence[Image], scores_version: int) -> dict[str, list[Picture]]:
    """Return the originals of the catalog that each of these images may be a duplicate of."""
    hashes: dict[str, str] = {}
    blanks: dict[str, list[str]] = {}  # images of low information, by the hash of their pixels
    for image in new:
        if image.understanding is None:
            continue
        if hash_64 := searched_hash(image.understanding):
            hashes[image.sha256] = hash_64
        else:
            blanks.setdefault(image.understanding.pixel_hash, []).append(image.sha256)
    found: dict[str, list[Picture]] = {}
    for row in within_each(connection, hashes):
        if row.scores_version == scores_version:
            found.setdefault(row.wanted, []).append(_picture_of_row(row))
    query = select(*(images.c[name] for name in FOUND)).where(
        images.c.duplicate_of.is_(None), images.c.scores_version == scores_version
    )
    for some in parts(list(blanks), AT_ONCE):
        for row in connection.execute(query.where(images.c.pixel_hash.in_(some))):
            for sha256 in blanks[row.pixel_hash]:
                found.setdefault(sha256, []).append(_picture_of_row(row))
    return found


def _alike(picture: Picture, word: int | None, earlier: Iterable[tuple[Picture, int | None]]) -> Iterator[Picture]:
    """Choose of the originals of this batch those that the search would find, were they rows."""
    for original, other in earlier:
        if word is None or other is None:
            if word is other and picture.pixel_hash == original.pixel_hash:
                yield original
        elif (word ^ other).bit_count() <= MOST_BITS:
            yield original


def _picture(image: Image) -> Picture:
    assert image.understanding
    hashes = image.understanding
    return Picture(image.sha256, hashes.pixel_hash, hashes.phash_256, image.frames, image.width * image.height)


def _picture_of_row(row: Any) -> Picture:
    return Picture(row.sha256, row.pixel_hash, row.phash_256, row.frames, row.width * row.height)
