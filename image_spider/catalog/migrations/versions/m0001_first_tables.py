"""First tables: images, sightings, failures, crawls.

Revision ID: 0001
Revises:
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create the tables."""
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "images",
        sa.Column("sha256", sa.String(64), primary_key=True),
        sa.Column("path", sa.Text, nullable=False),
        sa.Column("format", sa.String(8), nullable=False),
        sa.Column("width", sa.Integer, nullable=False),
        sa.Column("height", sa.Integer, nullable=False),
        sa.Column("bytes", sa.BigInteger, nullable=False),
        sa.Column("frames", sa.Integer, nullable=False),
        sa.Column("orientation", sa.Integer, nullable=False),
        sa.Column("size_class", sa.String(16), nullable=False),
        sa.Column("shape", sa.String(16), nullable=False),
        sa.Column("integrity", sa.String(16), nullable=False),
        sa.Column("first_seen", moment, nullable=False),
        sa.Column("last_seen", moment, nullable=False),
    )
    op.create_table(
        "sightings",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("image_sha256", sa.String(64), sa.ForeignKey("images.sha256"), index=True),
        sa.Column("image_url", sa.Text, nullable=False),
        sa.Column("image_url_key", sa.String(32), nullable=False),
        sa.Column("page_url", sa.Text, nullable=False),
        sa.Column("crawl_id", sa.String(120), nullable=False),
        sa.Column("source", sa.String(16), nullable=False),
        sa.Column("alt", sa.Text, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("caption", sa.Text, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("page_title", sa.Text, nullable=False),
        sa.Column("declared_width", sa.Integer),
        sa.Column("declared_height", sa.Integer),
        sa.Column("alternatives", sa.JSON, nullable=False),
        sa.Column("seen_at", moment, nullable=False),
        sa.Column("last_seen", moment, nullable=False),
        sa.Index("ix_sightings_crawl_id_image_sha256", "crawl_id", "image_sha256"),
        sa.Index("ix_sightings_image_url_key_last_seen", "image_url_key", "last_seen"),
    )
    op.create_table(
        "failures",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("image_url", sa.Text),
        sa.Column("page_url", sa.Text, nullable=False),
        sa.Column("cause", sa.String(16), nullable=False),
        sa.Column("detail", sa.Text, nullable=False),
        sa.Column("crawl_id", sa.String(120), nullable=False),
        sa.Column("seen_at", moment, nullable=False),
        sa.Column("last_seen", moment, nullable=False),
        sa.Index("ix_failures_crawl_id_cause", "crawl_id", "cause"),
    )
    op.create_table(
        "crawls",
        sa.Column("id", sa.String(120), primary_key=True),
        sa.Column(
            "state",
            sa.String(16),
            sa.CheckConstraint(
                "state in ('queued', 'running', 'paused', 'completed', 'stopped', 'failed')", name="state"
            ),
            nullable=False,
        ),
        sa.Column("start_urls", sa.JSON, nullable=False),
        sa.Column("max_images", sa.Integer),
        sa.Column("max_depth", sa.Integer),
        sa.Column("categories", sa.JSON, nullable=False),
        sa.Column("follow", sa.String(8), nullable=False),
        sa.Column("sitemap", sa.Boolean, nullable=False),
        sa.Column("download", sa.Boolean, nullable=False),
        sa.Column("pages", sa.Integer, nullable=False),
        sa.Column("images", sa.Integer, nullable=False),
        sa.Column("sightings", sa.Integer, nullable=False),
        sa.Column("failures", sa.Integer, nullable=False),
        sa.Column("bytes", sa.BigInteger, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("started_at", moment, nullable=False),
        sa.Column("finished_at", moment),
    )
