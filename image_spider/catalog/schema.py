"""The catalog's tables. Migrations bring a database here; a test compares the two."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    Dialect,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    text,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    }
)

FLAGS = (
    "blurry",
    "soft",
    "dark",
    "light",
    "low_information",
    "grayscale",
    "upscaled",
    "heavily_compressed",
)
PARTS = ("part_0", "part_1", "part_2", "part_3")
IMAGE_PARTITIONS = 2
"""Of `images` on PostgreSQL, by a hash of the SHA-256; a look-up of near-duplicates costs as many times its probes."""
ON_POSTGRESQL = {"dialect": "postgresql"}  # info of an index that SQLite lacks
CRAWL_STATES = ("queued", "running", "paused", "completed", "stopped", "failed")


class UtcDateTime(TypeDecorator[datetime]):
    """An aware UTC datetime, on databases without time zones too."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse a naive datetime: it would be an instant nobody can tell."""
        del dialect
        if value is None:
            return None
        if value.tzinfo is None:
            raise TypeError(f"naive datetime {value!r}")
        return value.astimezone(UTC)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        """Return UTC."""
        del dialect
        return None if value is None else value.replace(tzinfo=value.tzinfo or UTC).astimezone(UTC)


images = Table(
    "images",
    metadata,
    Column("sha256", String(64), primary_key=True),
    Column("path", Text, nullable=False),  # relative to the store
    Column("format", String(8), nullable=False),
    Column("width", Integer, nullable=False),  # pixels as displayed
    Column("height", Integer, nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("frames", Integer, nullable=False),
    Column("orientation", Integer, nullable=False),  # EXIF 1..8
    Column("size_class", String(16), nullable=False),
    Column("shape", String(16), nullable=False),
    Column("integrity", String(16), nullable=False),
    Column("pixel_hash", String(64), index=True),  # of the decoded pixels; this and the next are null if unmeasured
    Column("phash_256", String(64)),
    Column("phash_64", String(16)),
    Column("dhash_64", String(16)),
    *(Column(part, Integer) for part in PARTS),  # of the 64-bit hash that is searched
    Column("scores", JSON(none_as_null=True)),  # raw measurements by name
    *(Column(flag, Boolean) for flag in FLAGS),
    Column("quality", Float),  # 0..1
    Column("content", String(16)),
    Column("rules_version", Integer),  # of the rules that made flags, quality and content from the scores
    Column("scores_version", Integer),  # of the measuring that made scores and hashes
    Column("label_model", String(120)),
    # The first image of its group, an original itself; checked at the commit, as both may come in one batch.
    Column("duplicate_of", ForeignKey("images.sha256", deferrable=True, initially="DEFERRED")),
    Column("duplicate_kind", String(8)),  # pixel, same or near
    Column("duplicate_distance", Integer),  # bits of phash_256
    Column("first_seen", UtcDateTime, nullable=False, index=True),
    Column("last_seen", UtcDateTime, nullable=False),
    postgresql_partition_by="HASH (sha256)",
)
# What listing.py filters by. SQLite, whose planner knows nothing of how common a value is, would sort half the table.
for _filter in ("format", "size_class", "shape", "content", "quality"):
    Index(None, images.c[_filter], info=ON_POSTGRESQL)
# Without its nulls: SQLite would take it for the best way to find originals, which are most of the table.
Index(
    "ix_images_duplicate_of",
    images.c.duplicate_of,
    sqlite_where=images.c.duplicate_of.is_not(None),
    postgresql_where=images.c.duplicate_of.is_not(None),
)
for _place, _part in enumerate(PARTS):
    # Each holds the whole hash, its own part first, of originals alone: what catalog/range_search.py reads.
    Index(
        f"ix_images_{_part}",
        *(images.c[part] for part in (*PARTS[_place:], *PARTS[:_place])),
        sqlite_where=images.c.duplicate_of.is_(None),
        postgresql_where=images.c.duplicate_of.is_(None),
    )

topics = Table(
    "topics",
    metadata,
    Column("image_sha256", ForeignKey(images.c.sha256), primary_key=True),
    Column("topic", String(64), primary_key=True, index=True),
    Column("source", String(8), primary_key=True),  # words or model
    Column("score", Float, nullable=False),  # 0..1
)

sightings = Table(
    "sightings",
    metadata,
    Column("id", String(32), primary_key=True),  # keys.sighting_key: URLs are too long for a unique index
    Column("image_sha256", ForeignKey(images.c.sha256), index=True),  # null: found, and by request not downloaded
    Column("image_url", Text, nullable=False),
    Column("image_url_key", String(32), nullable=False),  # keys.key(image_url)
    Column("host", Text, nullable=False, server_default=""),  # of image_url; "" for a data: URI
    Column("page_url", Text, nullable=False),
    Column("crawl_id", String(120), nullable=False),
    Column("source", String(16), nullable=False),  # the extraction rule that found it
    Column("alt", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("caption", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("page_title", Text, nullable=False),
    Column("declared_width", Integer),
    Column("declared_height", Integer),
    Column("alternatives", JSON, nullable=False),  # URLs of other sizes of the same picture
    Column("seen_at", UtcDateTime, nullable=False),
    Column("last_seen", UtcDateTime, nullable=False),
    Column("fetched_at", UtcDateTime),  # the last download for this sighting; null: the image was known
    Index(None, "crawl_id", "image_sha256"),
    Index(None, "image_url_key", "fetched_at"),
    Index(None, "host", "image_sha256"),
)
# Words for the full-text search of PostgreSQL: punctuation separates, and each Chinese or Japanese character stands
# alone, as they write no spaces: a word of theirs is a phrase. 'simple', because the text has no one language.
SPOKEN = "(((((alt || ' ') || title) || ' ') || caption) || ' ') || page_title"  # as PostgreSQL writes it
_SEPARATED = (
    rf"""regexp_replace("left"({SPOKEN}, 10000), """
    r"'([\u2E80-\u9FFF\uF900-\uFAFF])|[!-/:-@[-`{-~]', ' \1 ', 'g')"
)
TEXT_VECTOR = f"to_tsvector('simple'::regconfig, {_SEPARATED})"
Index("ix_sightings_words", text(TEXT_VECTOR), postgresql_using="gin", _table=sightings, info=ON_POSTGRESQL)

failures = Table(
    "failures",
    metadata,
    Column("id", String(32), primary_key=True),  # keys.key(crawl_id, image_url, page_url)
    Column("image_url", Text),  # null: the page itself failed
    Column("page_url", Text, nullable=False),
    Column("cause", String(16), nullable=False),  # one of image_spider.causes
    Column("detail", Text, nullable=False),
    Column("crawl_id", String(120), nullable=False),
    Column("seen_at", UtcDateTime, nullable=False),
    Column("last_seen", UtcDateTime, nullable=False),
    Index(None, "crawl_id", "cause"),
)

crawls = Table(
    "crawls",
    metadata,
    Column("id", String(120), primary_key=True),
    Column("state", String(16), CheckConstraint(f"state in {CRAWL_STATES}", name="state"), nullable=False),
    Column("start_urls", JSON, nullable=False),
    Column("max_images", Integer),
    Column("max_depth", Integer),
    Column("categories", JSON, nullable=False),
    Column("follow", String(8), nullable=False),
    Column("sitemap", Boolean, nullable=False),
    Column("download", Boolean, nullable=False),
    Column("pages", Integer, nullable=False),  # fetched in the latest run
    Column("images", Integer, nullable=False),  # unique images
    Column("sightings", Integer, nullable=False),
    Column("failures", Integer, nullable=False),
    Column("bytes", BigInteger, nullable=False),  # of the unique images
    Column("reason", Text, nullable=False),  # why it ended
    Column("started_at", UtcDateTime, nullable=False),
    Column("finished_at", UtcDateTime),
)

copies = Table(
    "copies",  # the queue of what mirrors lack: a row is there from an image's COMMIT until its copy is safe
    metadata,
    Column("mirror", Text, primary_key=True),  # a store's name
    Column("sha256", String(64), primary_key=True),
    Column("path", Text, nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("queued_at", UtcDateTime, nullable=False),
    Column("due_at", UtcDateTime, nullable=False),  # not before; while a worker copies, when others may think it dead
    Column("attempts", Integer, nullable=False),
    Column("error", Text, nullable=False),  # of the last attempt; "" when there was none
    Index(None, "mirror", "due_at"),
)


def indexes_on(dialect: str, table: Table) -> list[Index]:
    """Return the indexes that a table has on this database."""
    return [index for index in table.indexes if index.info.get("dialect", dialect) == dialect]
