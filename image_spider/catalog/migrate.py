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
    """Apply the migrations that this database lacks, inside the caller's transaction.

    Raises SchemaOutdated when a newer version has been there.
    """
    with _configuration() as configuration:
        found, needed = _revisions(connection, configuration)
        if found != needed:
            configuration.attributes["connection"] = connection
            command.upgrade(configuration, "head")


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
