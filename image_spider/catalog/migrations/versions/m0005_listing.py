"""What lists of images are filtered by: the host of an image's URL, and the words beside it.

Runs while others write: rows get their host in batches, and PostgreSQL makes the indexes concurrently.

Revision ID: 0005
Revises: 0004
"""

from urllib.parse import urlsplit

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

ROWS = 5000  # of a transaction
VECTOR = r"""to_tsvector('simple'::regconfig, regexp_replace(
    "left"(alt || ' ' || title || ' ' || caption || ' ' || page_title, 10000),
    '([\u2E80-\u9FFF\uF900-\uFAFF])|[!-/:-@[-`{-~]', ' \1 ', 'g'))"""


def upgrade() -> None:
    """Add the column, then give the rows their host; interrupted, it goes on with those that have none."""
    if op.get_bind().dialect.name == "sqlite":
        op.add_column("sightings", sa.Column("host", sa.Text, nullable=False, server_default=""))
        op.get_bind().connection.create_function("host_of", 1, _host, deterministic=True)
        op.execute("UPDATE sightings SET host = host_of(image_url)")
        op.create_index("ix_sightings_host_image_sha256", "sightings", ["host", "image_sha256"])
        return
    op.execute("ALTER TABLE sightings ADD COLUMN IF NOT EXISTS host text DEFAULT '' NOT NULL")
    with op.get_context().autocommit_block():
        _fill_hosts(op.get_bind())
        _create_index("ix_sightings_host_image_sha256", "sightings (host, image_sha256)")
        _create_index("ix_sightings_words", f"sightings USING gin ({VECTOR})")
        op.execute("ANALYZE sightings")  # how common a word is; after a new index nothing else asks for it


def _fill_hosts(connection: sa.Connection) -> None:
    after = ""
    next_rows = sa.text("SELECT id, image_url FROM sightings WHERE id > :after AND host = '' ORDER BY id LIMIT :rows")
    while rows := connection.execute(next_rows, {"after": after, "rows": ROWS}).all():
        hosts = {row.id: _host(row.image_url) for row in rows}
        connection.execute(_FILL, {"ids": list(hosts), "hosts": list(hosts.values())})
        after = rows[-1].id


# In the order of the keys, in which the workers lock rows too.
_FILL = sa.text(
    "UPDATE sightings SET host = new.host FROM unnest(CAST(:ids AS text[]), CAST(:hosts AS text[])) AS new (id, host), "
    "(SELECT id FROM sightings WHERE id = ANY(:ids) ORDER BY id FOR NO KEY UPDATE) AS locked "
    "WHERE sightings.id = new.id AND locked.id = new.id"
)


def _host(url: str) -> str:
    try:
        return (urlsplit(url).hostname or "")[:255]
    except ValueError:
        return ""


def _create_index(name: str, on: str) -> None:
    op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")  # an interrupted upgrade leaves one that is not valid
    op.execute(f"CREATE INDEX CONCURRENTLY {name} ON {on}")
