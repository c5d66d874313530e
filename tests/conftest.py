from __future__ import annotations

import signal
import uuid
from collections.abc import Iterator

import pytest
from sqlalchemy import create_engine, text

from tests.postgres import PostgresPair, PostgresServer
from tests.servers import running

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell that starts the tests in the background makes them deaf to Ctrl-C, and every process that they start.
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    with running(PostgresServer(tmp_path_factory.mktemp("postgres"))) as server:
        yield server


@pytest.fixture
def postgres_url(postgres: PostgresServer) -> str:
    """A database of the test's own."""
    name = f"test_{uuid.uuid4().hex}"
    engine = create_engine(postgres.url.replace("postgresql:", "postgresql+psycopg2:"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"create database {name}"))
    engine.dispose()
    return postgres.url.removesuffix("postgres") + name


@pytest.fixture
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresPair]:
    """A primary and a synchronous standby of the test's own: it may break them."""
    with running(PostgresPair(tmp_path_factory.mktemp("pair"))) as pair:
        yield pair
