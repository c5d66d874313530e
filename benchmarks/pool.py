"""The catalog's pool beside libpq's list of hosts with SQLAlchemy's pre_ping: `python -m benchmarks.pool`.

Both write one row at a time to the same primary and its synchronous standby, at the same time. In each run the primary
is killed or frozen and the standby promoted; what counts is the time from the promotion, seen on a third connection, to
the first acknowledged row. The peer is helped: it tries again every 20 ms, and its connect_timeout is ours.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

import psycopg2
from rich.console import Console
from rich.progress import track
from rich.table import Table
from sqlalchemy import Engine, create_engine
from sqlalchemy.exc import SQLAlchemyError

from image_spider.catalog.pool.connect import CONNECT_SECONDS
from image_spider.catalog.pool.pool import Pool
from image_spider.exceptions import CatalogError
from tests.postgres import PostgresPair
from tests.servers import running
from tests.waiting import wait_until

BORROWS, REPEATS = 20_000, 5
PAUSE_SECONDS = 0.02
CAP_SECONDS = 10.0  # who has not written by then is let go
ROW = "insert into written default values"


class Writer:
    """Writes rows in a thread, one after the other, and notes when each was acknowledged."""

    def __init__(self, write: Callable[[], None]) -> None:
        self._write = write
        self._ending = threading.Event()
        self.acknowledged = 0.0
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def end(self) -> None:
        """Stop and wait for the end."""
        self._ending.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._ending.wait(PAUSE_SECONDS):
            with suppress(CatalogError, SQLAlchemyError):
                self._write()
                self.acknowledged = time.monotonic()


def write_with_pool(pool: Pool) -> None:
    """Write a row by our pool."""
    with pool.connection() as connection, connection.cursor() as cursor:
        cursor.execute(ROW)


def write_with_engine(engine: Engine) -> None:
    """Write a row by the usual engine."""
    with engine.begin() as connection:
        connection.exec_driver_sql(ROW)


@contextmanager
def contestants(url: str) -> Iterator[dict[str, Callable[[], None]]]:
    """Give a way to write for each contestant."""
    connect = partial(psycopg2.connect, url, target_session_attrs="primary", connect_timeout=CONNECT_SECONDS)
    engine = create_engine("postgresql+psycopg2://", creator=connect, pool_pre_ping=True)
    pool = Pool(url)
    try:
        yield {"pool": partial(write_with_pool, pool), "libpq + pre_ping": partial(write_with_engine, engine)}
    finally:
        pool.close()
        engine.dispose()


def reroute(pair: PostgresPair, *, frozen: bool) -> dict[str, float]:
    """Return the seconds from the promotion to the first row of each contestant; infinite beyond CAP_SECONDS."""
    with contestants(pair.url) as writes:
        writers = {name: Writer(write) for name, write in writes.items()}
        wait_until(lambda: all(writer.acknowledged for writer in writers.values()))
        (pair.primary.freeze if frozen else pair.primary.kill)()
        pair.promote()
        promoted = pair.promoted_at
        deadline = promoted + CAP_SECONDS
        first: dict[str, float] = {}
        while len(first) < len(writers) and time.monotonic() < deadline:
            for name, writer in writers.items():
                if name not in first and writer.acknowledged > promoted:
                    first[name] = writer.acknowledged - promoted
            time.sleep(0.001)
        if frozen:
            pair.primary.kill()  # lets go who still waits for it
        for writer in writers.values():
            writer.end()
    pair.rejoin()
    return {name: first.get(name, float("inf")) for name in writers}


def borrow_microseconds(url: str) -> dict[str, float]:
    """Return what it costs to borrow a connection and give it back, the best of some repetitions."""

    def best(borrow: Callable[[], None], count: int) -> float:
        borrow()
        times = []
        for _ in range(REPEATS):
            started = time.perf_counter()
            for _ in range(count):
                borrow()
            times.append(time.perf_counter() - started)
        return min(times) / count * 1e6

    def borrow_from_pool() -> None:
        with pool.connection():
            pass

    def borrow_from(engine: Engine) -> None:
        engine.raw_connection().close()

    pool = Pool(url)
    plain = create_engine("postgresql+psycopg2://", creator=partial(psycopg2.connect, url))
    pinged = create_engine("postgresql+psycopg2://", creator=partial(psycopg2.connect, url), pool_pre_ping=True)
    try:
        return {
            "pool": best(borrow_from_pool, BORROWS),
            "SQLAlchemy, unchecked": best(partial(borrow_from, plain), BORROWS),
            "libpq + pre_ping": best(partial(borrow_from, pinged), BORROWS // 10),
        }
    finally:
        pool.close()
        plain.dispose()
        pinged.dispose()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=20, help="with a primary that is killed (%(default)s)")
    parser.add_argument("--frozen-runs", type=int, default=5, help="with a primary that is frozen (%(default)s)")
    options = parser.parse_args()
    console = Console()
    with tempfile.TemporaryDirectory() as folder, running(PostgresPair(Path(folder))) as pair:
        pair.primary.ask("create table written (at timestamptz default now())")
        _print_borrows(console, borrow_microseconds(pair.url.partition(",")[0] + "/postgres"))
        for what, runs in (("killed", options.runs), ("frozen", options.frozen_runs)):
            rounds = track(range(runs), f"primary {what}", console=console, transient=True)
            seconds = [reroute(pair, frozen=what == "frozen") for _ in rounds]
            if seconds:
                _print_reroutes(console, f"primary {what}, {runs} runs: seconds from promotion to first row", seconds)


def _print_borrows(console: Console, microseconds: dict[str, float]) -> None:
    table = Table("borrow and return", "µs", "ratio", title="steady, loopback")
    for name, cost in microseconds.items():
        table.add_row(name, f"{cost:.1f}", f"{cost / microseconds['pool']:.1f}")
    console.print(table)


def _print_reroutes(console: Console, title: str, runs: list[dict[str, float]]) -> None:
    table = Table("contestant", "median", "p95", "most", "not within 10 s", title=title)
    for name in runs[0]:
        times = sorted(run[name] for run in runs)
        p95 = times[max(0, -(-95 * len(times) // 100) - 1)]
        never = sum(found == float("inf") for found in times)
        row = (f"{figure:.2f}" for figure in (statistics.median(times), p95, times[-1]))
        table.add_row(name, *row, str(never))
    console.print(table)


if __name__ == "__main__":
    main()
