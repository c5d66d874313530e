"""One catalog: opened, read and written, with every database error turned into a CatalogError."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Self, TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import OperationalError, SQLAlchemyError

from image_spider.catalog import migrate
from image_spider.catalog.engine import make_engine, sqlite_file
from image_spider.exceptions import CatalogError

T = TypeVar("T")


class Catalog:
    """The SQL database behind a crawl. Every method blocks: call it from a thread."""

    def __init__(self, url: str, *, retry_seconds: float = 30.0) -> None:
        self.engine = make_engine(url)
        self._retry_seconds = retry_seconds

    def __enter__(self) -> Self:
        """Return the catalog; it is closed at the end."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close every connection."""
        self.close()

    def open(self, *, create: bool = True) -> None:
        """Connect and bring the tables to this version: at once on SQLite, elsewhere only by `scrapy catalog upgrade`.

        Raises SchemaOutdated, or CatalogError when the database cannot be reached or, unless it may be created, is
        not there.
        """
        file = sqlite_file(self.engine)
        if file and not create and not file.exists():
            raise CatalogError(f"there is no catalog {self.name} yet: run a crawl, or set DATABASE_URL or DATA_DIR")
        if self.engine.dialect.name == "sqlite":
            self.upgrade()
        else:
            with self.reading() as connection:
                migrate.check(connection)

    def upgrade(self) -> None:
        """Apply the migrations that are missing."""
        try:
            if file := sqlite_file(self.engine):
                file.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise CatalogError(f"cannot create the folder of the catalog {self.name}: {error.strerror}") from error
        self.transaction(migrate.upgrade)

    def close(self) -> None:
        """Close every connection."""
        self.engine.dispose()

    @property
    def name(self) -> str:
        """The catalog's URL without its password."""
        return self.engine.url.render_as_string(hide_password=True)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Give a connection for reading."""
        try:
            with self.engine.connect() as connection:
                yield connection
        except SQLAlchemyError as error:
            raise self._error(error) from error

    def transaction(self, work: Callable[[Connection], T]) -> T:
        """Run work in one transaction and commit it.

        Work is run again, from the start, while another process holds the lock of an SQLite file, up to the
        deadline: it must be idempotent. Raises CatalogError after that, and at once for every other error.
        """
        deadline = time.monotonic() + self._retry_seconds
        while True:
            try:
                with self.engine.connect().execution_options(begin="BEGIN IMMEDIATE") as connection, connection.begin():
                    return work(connection)
            except OperationalError as error:
                if "locked" not in str(error.orig) or time.monotonic() > deadline:
                    raise self._error(error) from error
                time.sleep(random.uniform(0.01, 0.1))  # noqa: S311
            except SQLAlchemyError as error:
                raise self._error(error) from error

    def _error(self, error: SQLAlchemyError) -> CatalogError:
        reason = " ".join(str(getattr(error, "orig", None) or error).split())
        return CatalogError(f"the catalog {self.name} failed: {reason}")
