"""What an image is: hashes, scores, classes, duplicates, topics.

Revision ID: 0002
Revises: 0001
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

FLAGS = ("blurry", "soft", "dark", "light", "low_information", "grayscale", "upscaled", "heavily_compressed")
PARTS = ("part_0", "part_1", "part_2", "part_3")


def upgrade() -> None:
    """Add the columns and the table."""
    with op.batch_alter_table("images") as table:
        table.add_column(sa.Column("pixel_hash", sa.String(64)))
        table.add_column(sa.Column("phash_256", sa.String(64)))
        table.add_column(sa.Column("phash_64", sa.String(16)))
        table.add_column(sa.Column("dhash_64", sa.String(16)))
        for part in PARTS:
            table.add_column(sa.Column(part, sa.Integer))
        table.add_column(sa.Column("scores", sa.JSON))
        for flag in FLAGS:
            table.add_column(sa.Column(flag, sa.Boolean))
        table.add_column(sa.Column("quality", sa.Float))
        table.add_column(sa.Column("content", sa.String(16)))
        table.add_column(sa.Column("rules_version", sa.Integer))
        table.add_column(sa.Column("label_model", sa.String(120)))
        original = sa.ForeignKey("images.sha256", name="fk_images_duplicate_of", deferrable=True, initially="DEFERRED")
        table.add_column(sa.Column("duplicate_of", sa.String(64), original))
        table.add_column(sa.Column("duplicate_kind", sa.String(8)))
        table.add_column(sa.Column("duplicate_distance", sa.Integer))
    op.create_index("ix_images_pixel_hash", "images", ["pixel_hash"])
    duplicates = sa.text("duplicate_of IS NOT NULL")
    op.create_index(
        "ix_images_duplicate_of", "images", ["duplicate_of"], sqlite_where=duplicates, postgresql_where=duplicates
    )
    originals = sa.text("duplicate_of IS NULL")
    for place, part in enumerate(PARTS):
        whole_hash = [*PARTS[place:], *PARTS[:place]]
        op.create_index(f"ix_images_{part}", "images", whole_hash, sqlite_where=originals, postgresql_where=originals)
    op.create_table(
        "topics",
        sa.Column("image_sha256", sa.String(64), sa.ForeignKey("images.sha256"), primary_key=True),
        sa.Column("topic", sa.String(64), primary_key=True, index=True),
        sa.Column("source", sa.String(8), primary_key=True),
        sa.Column("score", sa.Float, nullable=False),
    )
