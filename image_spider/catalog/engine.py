"""SQLAlchemy's engines, and how their transactions begin."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.pool import QueuePool

SQLITE_BUSY_SECONDS = 5


def public_url(url: str) -> str:
    """Return a catalog URL without its passwords; libpq takes them in the query too."""
    return re.sub(r"((?:ssl)?password=)[^&]*", r"\1***", re.sub(r"(?<=//)([^:@/]*):[^@/]*@", r"\1:***@", url))


def postgresql_engine(queue: QueuePool) -> Engine:
    """Make an engine on connections that another pool makes and checks."""
    return create_engine("postgresql+psycopg2://", pool=queue, use_native_hstore=False)  # else asked per connection


def sqlite_engine(url: str) -> Engine:
    """Make the engine of an SQLite URL; nothing is opened yet."""
    engine = create_engine(url, connect_args={"timeout": SQLITE_BUSY_SECONDS})

    @event.listens_for(engine, "connect")
    def configure(connection: Any, _: object) -> None:
        connection.isolation_level = None  # the driver would begin late and hide it; `begin` below does it
        connection.execute("PRAGMA journal_mode=WAL")  # readers and the writer do not wait for each other
        connection.execute("PRAGMA synchronous=NORMAL")  # safe against a crash of the process in WAL mode
        connection.execute("PRAGMA foreign_keys=ON")
        connection.create_function("bit_count", 1, int.bit_count, deterministic=True)  # PostgreSQL has it

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        # A transaction that reads first and writes later would fail at once when another writer was faster.
        connection.exec_driver_sql(connection.get_execution_options().get("begin", "BEGIN"))

    return engine


def sqlite_file(engine: Engine) -> Path | None:
    """Return the file of an SQLite database; None for another kind, or one in memory."""
    name = engine.url.database
    return Path(name) if engine.dialect.name == "sqlite" and name and name != ":memory:" else None
