"""Alembic's entry point: migrations run on the connection and in the transaction that `migrate.upgrade` hands over."""

from alembic import context

from image_spider.catalog.schema import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
context.run_migrations()
