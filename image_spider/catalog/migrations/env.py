"""Alembic's entry point: migrations run on the connection that `migrate.upgrade` hands over.

In its transaction if it has begun one, else each in one of its own.
"""

from alembic import context

from image_spider.catalog.schema import metadata

context.configure(
    connection=context.config.attributes["connection"], target_metadata=metadata, transaction_per_migration=True
)
with context.begin_transaction():
    context.run_migrations()
