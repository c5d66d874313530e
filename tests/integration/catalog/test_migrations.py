"""From no tables to those of this version, on two databases, also while others use them."""

from __future__ import annotations

import re
import threading
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, MetaData, select, text

from image_spider.catalog import migrate, schema
from image_spider.catalog.catalog import Catalog
from image_spider.catalog.writes import write_items
from image_spider.exceptions import CatalogError
from tests.project import Project
from tests.samples import an_image, an_item
from tests.waiting import wait_until

OLD_ROWS = 6000  # more than a batch of the migration that gives them a host
_IMAGE = "path, format, width, height, bytes, frames, orientation, size_class, shape, integrity, first_seen, last_seen"
_SIGHTING = "image_url_key, page_url, crawl_id, source, alt, title, caption, text, page_title, alternatives, seen_at"


def count(catalog: Catalog, table: str) -> Any:
    with catalog.reading() as connection:
        return connection.scalar(text(f"select count(*) from {table}"))


def schema_of(dialect: str) -> MetaData:
    """The schema without the indexes that this database lacks."""
    metadata = MetaData(naming_convention=schema.metadata.naming_convention)
    for table in schema.metadata.tables.values():
        copy = table.to_metadata(metadata)
        here = {index.name for index in schema.indexes_on(dialect, table)}
        copy.indexes &= {index for index in copy.indexes if index.name in here}
    return metadata


def concerns_no_partition(thing: Any, name: str | None, kind: str, *_: object) -> bool:
    """PostgreSQL lists each partition as a table, and each foreign key to it beside that to the whole."""
    table = thing.referred_table.name if kind == "foreign_key_constraint" else name
    return re.fullmatch(r"images_\d+", table or "") is None


def test_migrations_end_at_the_schema(catalog: Catalog):
    with catalog.reading() as connection:
        context = MigrationContext.configure(connection, opts={"include_object": concerns_no_partition})
        assert compare_metadata(context, schema_of(connection.dialect.name)) == []


def test_an_upgrade_of_an_upgraded_catalog_changes_nothing(catalog: Catalog):
    catalog.transaction(lambda connection: write_items(connection, [an_item(image=an_image())]))
    catalog.upgrade()
    assert count(catalog, "images") == 1


def test_many_may_upgrade_at_once(tmp_path: Path):
    url = f"sqlite:///{tmp_path}/catalog.sqlite3"
    errors: list[Exception] = []

    def upgrade() -> None:
        try:
            with Catalog(url) as catalog:
                catalog.open()
        except CatalogError as error:
            errors.append(error)

    threads = [threading.Thread(target=upgrade) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []


def fill_old_tables(connection: Connection) -> None:
    """Give the tables of revision 0003 two images, the first a duplicate of the second, and sightings of them."""
    moment = "'2026-01-01 12:00:00+00:00'"
    image = f"'p', 'jpeg', 640, 480, 1000, 1, 1, 'small', 'landscape', 'ok', {moment}, {moment}"
    for sha256, original in (("a" * 64, f"'{'b' * 64}'"), ("b" * 64, "null")):
        connection.execute(
            text(f"insert into images (sha256, duplicate_of, {_IMAGE}) values ('{sha256}', {original}, {image})")
        )
    sighting = f"'k', 'p', 'c', 'img', 'A cat', '', '', '', '', '[]', {moment}, {moment}"
    connection.execute(
        text(
            f"insert into sightings (id, image_sha256, image_url, {_SIGHTING}, last_seen) "
            f"values (:id, '{'a' * 64}', :url, {sighting})"
        ),
        [{"id": f"{n:032x}", "url": f"https://Host{n % 2}.example:8080/{n}.jpg"} for n in range(OLD_ROWS)],
    )


def test_an_older_catalog_keeps_its_rows_and_its_links(catalog_url: str):
    with Catalog(catalog_url) as catalog:
        catalog.transaction(partial(migrate.upgrade, to="0003"))
        catalog.transaction(fill_old_tables)
        catalog.upgrade()
        with catalog.reading() as connection:
            links = connection.execute(select(schema.images.c.sha256, schema.images.c.duplicate_of)).all()
            hosts = connection.execute(text("select host, count(*) from sightings group by host order by host")).all()
        assert sorted(links) == [("a" * 64, "b" * 64), ("b" * 64, None)]
        assert hosts == [("host0.example", OLD_ROWS // 2), ("host1.example", OLD_ROWS // 2)]
        with pytest.raises(CatalogError, match=r"(?i)foreign key"):
            catalog.transaction(lambda c: c.execute(text("delete from images where sha256 like 'b%'")))


def test_images_lie_in_partitions_on_postgresql(postgres_url: str):
    with Catalog(postgres_url) as catalog:
        catalog.upgrade()
        items = [an_item(image=an_image(digit)) for digit in "0123456789abcdef"]
        catalog.transaction(lambda connection: write_items(connection, items))
        with catalog.reading() as connection:
            used = connection.scalars(text("select distinct tableoid::regclass::text from images")).all()
        assert 1 < len(used) <= schema.IMAGE_PARTITIONS


def test_two_upgrades_at_once_wait_for_each_other(tmp_path: Path, postgres_url: str):
    project = Project(tmp_path)
    processes = [project.start("catalog", "upgrade", DATABASE_URL=postgres_url) for _ in range(2)]
    assert [(process.communicate()[1], process.returncode) for process in processes] == [("", 0)] * 2
    with Catalog(postgres_url) as catalog:
        catalog.open()


def test_an_upgrade_gives_up_waiting_for_another_one(postgres_url: str):
    with Catalog(postgres_url) as first, Catalog(postgres_url) as second:
        with first.engine.connect() as holder:
            holder.execute(text(f"select pg_advisory_lock({migrate.UPGRADE_LOCK})"))
            with second.engine.connect() as other, pytest.raises(CatalogError, match="another upgrade"):
                migrate.upgrade_live(other, patience_seconds=0)
        first.close()
        second.upgrade()


def test_an_upgrade_that_waits_for_a_lock_lets_others_pass(postgres_url: str):
    with Catalog(postgres_url) as catalog, Catalog(postgres_url) as reader, Catalog(postgres_url) as other:
        catalog.transaction(partial(migrate.upgrade, to="0003"))
        upgrade = threading.Thread(target=catalog.upgrade)
        with reader.reading() as long_query:
            long_query.execute(text("select count(*) from images"))  # its transaction stays open
            upgrade.start()
            wait_until(lambda: count(other, "pg_locks where mode = 'AccessExclusiveLock' and not granted"))
            assert count(other, "images") == 0  # behind the lock that is waited for, but not for long
            assert upgrade.is_alive()
        upgrade.join()
        catalog.open()


def test_an_upgrade_of_tables_that_are_always_in_use_says_so(postgres_url: str):
    with Catalog(postgres_url) as catalog, Catalog(postgres_url) as reader:
        catalog.transaction(partial(migrate.upgrade, to="0003"))
        with reader.reading() as long_query:
            long_query.execute(text("select count(*) from images"))
            with catalog.engine.connect() as connection, pytest.raises(CatalogError, match="stop the workers"):
                migrate.upgrade_live(connection, patience_seconds=0)
        catalog.upgrade()
