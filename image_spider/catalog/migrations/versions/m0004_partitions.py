"""Images in partitions, on PostgreSQL; SQLite keeps its one table.

Copies the table while nobody else may use it: the one migration that needs a maintenance window.

Revision ID: 0004
Revises: 0003
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

PARTITIONS = 2
FILTERS = ("format", "size_class", "shape", "content", "quality")
PARTS = ("part_0", "part_1", "part_2", "part_3")


def upgrade() -> None:
    """Make the partitioned table, move the rows, make the indexes, then the foreign keys, which check every row."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute("LOCK TABLE images, sightings, topics IN ACCESS EXCLUSIVE MODE")
        for table, column in (("sightings", "image_sha256"), ("topics", "image_sha256"), ("images", "duplicate_of")):
            op.drop_constraint(f"fk_{table}_{column}", table)
        op.rename_table("images", "images_before")
        _create_partitions()
        op.execute("INSERT INTO images SELECT * FROM images_before")
        op.drop_table("images_before")
        _create_indexes()
        for table in ("sightings", "topics"):
            op.create_foreign_key(None, table, "images", ["image_sha256"], ["sha256"])
        op.create_foreign_key(
            None, "images", "images", ["duplicate_of"], ["sha256"], deferrable=True, initially="DEFERRED"
        )
        op.execute("ANALYZE images")  # autovacuum looks at the partitions alone
    op.create_index("ix_images_first_seen", "images", ["first_seen"])


def _create_partitions() -> None:
    op.execute("CREATE TABLE images (LIKE images_before) PARTITION BY HASH (sha256)")
    for number in range(PARTITIONS):
        op.execute(
            f"CREATE TABLE images_{number} PARTITION OF images "
            f"FOR VALUES WITH (MODULUS {PARTITIONS}, REMAINDER {number})"
        )


def _create_indexes() -> None:
    op.create_primary_key("pk_images", "images", ["sha256"])
    op.create_index("ix_images_pixel_hash", "images", ["pixel_hash"])
    op.create_index(
        "ix_images_duplicate_of", "images", ["duplicate_of"], postgresql_where=sa.text("duplicate_of IS NOT NULL")
    )
    for place, part in enumerate(PARTS):
        whole_hash = [*PARTS[place:], *PARTS[:place]]
        op.create_index(f"ix_images_{part}", "images", whole_hash, postgresql_where=sa.text("duplicate_of IS NULL"))
    for column in FILTERS:
        op.create_index(f"ix_images_{column}", "images", [column])
