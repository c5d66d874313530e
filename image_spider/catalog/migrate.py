"""Alembic, run from inside the package: the migrations may lie in a zipped egg."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from image_spider.exceptions import SchemaOutdated


def upgrade(connection: Connection) -> None:
    """Apply the migrations that this database lacks, inside the caller's transaction."""
    with _configuration() as configuration:
        if _revision(connection) != _head(configuration):
            configuration.attributes["connection"] = connection
            command.upgrade(configuration, "head")


def check(connection: Connection) -> None:
    """Raise SchemaOutdated when the database is not at this version's revision."""
    with _configuration() as configuration:
        found, needed = _revision(connection), _head(configuration)
    if found != needed:
        raise SchemaOutdated(
            f"the catalog's tables are at revision {found or 'none'}, this version needs {needed}: "
            "run `scrapy catalog upgrade`"
        )


def _revision(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def _head(configuration: Config) -> str | None:
    return ScriptDirectory.from_config(configuration).get_current_head()


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
