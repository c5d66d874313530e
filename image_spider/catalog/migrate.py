"""Alembic, run from inside the package: the migrations may lie in a zipped egg.

On PostgreSQL they run while workers write: upgrades wait for each other, no migration waits long for a lock of a table,
as everybody else would queue behind it, and each is committed by itself.
"""

from __future__ import annotations

import random
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Function, event, func, select
from sqlalchemy.exc import OperationalError

from image_spider.exceptions import CatalogError, SchemaOutdated

LOCK_SECONDS = 2  # that a migration waits for a lock, and others behind it
UPGRADE_LOCK = 0x75706772  # any number that no other advisory lock of the database has
_LOCK_NOT_AVAILABLE = "55P03"


def upgrade(connection: Connection, *, to: str = "head") -> None:
    """Apply the migrations that this database lacks, inside the caller's transaction if it has begun one.

    Raises SchemaOutdated when a newer version has been there.
    """
    in_transaction = connection.in_transaction()
    with _configuration() as configuration:
        found, needed = _revisions(connection, configuration)
        if not in_transaction:
            connection.rollback()
        if found != needed:
            configuration.attributes["connection"] = connection
            command.upgrade(configuration, to)


def upgrade_live(connection: Connection, *, patience_seconds: float = 600) -> None:
    """Apply the missing migrations to a PostgreSQL database that others use, each in a transaction of its own.

    A lock that is not had within LOCK_SECONDS is left to those who wait, and asked for again. Raises CatalogError after
    patience_seconds of that, or of waiting for another upgrade. What has been applied by then stays.
    """
    deadline = time.monotonic() + patience_seconds

    @event.listens_for(connection, "begin")
    def bound_waits(connection: Connection) -> None:
        connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{LOCK_SECONDS}s'")

    # Asked again and again: a session that waits inside the call has a snapshot, for whose end the CREATE INDEX
    # CONCURRENTLY of the other upgrade would wait in turn.
    while not _commit(connection, func.pg_try_advisory_lock(UPGRADE_LOCK)):
        _pause(deadline, "another upgrade of the catalog is running: wait for its end")
    try:
        _upgrade_patiently(connection, deadline)
    finally:
        connection.rollback()
        _commit(connection, func.pg_advisory_unlock(UPGRADE_LOCK))


def _upgrade_patiently(connection: Connection, deadline: float) -> None:
    while True:
        try:
            return upgrade(connection)
        except OperationalError as error:
            if getattr(error.orig, "pgcode", None) != _LOCK_NOT_AVAILABLE:
                raise
        connection.rollback()
        _pause(deadline, "a table of the catalog is in use all the time: stop the workers, then upgrade again")


def _commit(connection: Connection, call: Function[bool]) -> bool | None:
    result = connection.scalar(select(call))
    connection.commit()
    return result


def _pause(deadline: float, reason: str) -> None:
    if time.monotonic() > deadline:
        raise CatalogError(reason)
    time.sleep(random.uniform(0.1, 1.0))  # noqa: S311


def check(connection: Connection) -> None:
    """Raise SchemaOutdated when the database is not at this version's revision."""
    with _configuration() as configuration:
        found, needed = _revisions(connection, configuration)
    if found != needed:
        raise SchemaOutdated(
            f"the catalog's tables are at revision {found or 'none'}, this version needs {needed}: "
            "run `scrapy catalog upgrade`"
        )


def _revisions(connection: Connection, configuration: Config) -> tuple[str | None, str | None]:
    """Return the revision found and the one needed."""
    scripts = ScriptDirectory.from_config(configuration)
    found = MigrationContext.configure(connection).get_current_revision()
    if found and found not in {script.revision for script in scripts.walk_revisions()}:
        raise SchemaOutdated(
            f"the catalog's tables are at revision {found}, which this version does not know: "
            "use the version of image_spider that made them, or a newer one"
        )
    return found, scripts.get_current_head()


@contextmanager
def _configuration() -> Iterator[Config]:
    with tempfile.TemporaryDirectory(prefix="image_spider-migrations-") as folder:
        _copy(files("image_spider.catalog") / "migrations", Path(folder))
        configuration = Config()
        configuration.set_main_option("script_location", folder)
        configuration.set_main_option("path_separator", "os")
        yield configuration


def _copy(source: Traversable, target: Path) -> None:
    """Copy a folder out of a package; importlib.resources.as_file does so only from Python 3.12 on."""
    target.mkdir(exist_ok=True)
    for entry in source.iterdir():
        if entry.is_dir() and entry.name != "__pycache__":
            _copy(entry, target / entry.name)
        elif entry.name.endswith(".py"):
            with entry.open("rb") as read, (target / entry.name).open("wb") as write:
                shutil.copyfileobj(read, write)
