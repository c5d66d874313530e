"""By which version of the measuring scores and hashes were made.

Revision ID: 0003
Revises: 0002
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add the column; what was measured before versions had numbers was measured by the first."""
    op.add_column("images", sa.Column("scores_version", sa.Integer))
    op.execute("UPDATE images SET scores_version = 1 WHERE pixel_hash IS NOT NULL")
