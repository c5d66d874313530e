"""The queue of copies that mirrors of the image store lack.

Revision ID: 0006
Revises: 0005
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Add the table; what was stored before is queued by `scrapy mirrors --copy --compare`."""
    op.create_table(
        "copies",
        sa.Column("mirror", sa.Text, nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("path", sa.Text, nullable=False),
        sa.Column("bytes", sa.BigInteger, nullable=False),
        sa.Column("queued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("error", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("mirror", "sha256", name="pk_copies"),
    )
    op.create_index("ix_copies_mirror_due_at", "copies", ["mirror", "due_at"])
