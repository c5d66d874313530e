"""Connect to every server of DATABASE_URL and print what each one is. The exit code is 0 when all of them can be
reached and exactly one takes writes, else 1.
"""

from __future__ import annotations

import argparse
import sqlite3
import time
from contextlib import closing
from pathlib import Path

from rich import box
from rich.console import Console
from rich.filesize import decimal
from rich.table import Table

from image_spider.catalog.engine import public_url
from image_spider.catalog.pool.address import parse_url
from image_spider.catalog.pool.node import Node
from image_spider.catalog.recovery.nodes import look_at
from image_spider.config import Config

SUMMARY = "connect to every server and tell what each one is"
PIPE_WIDTH = 250  # characters
SQLITE = "sqlite:///"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Take no options."""


def run(options: argparse.Namespace, settings: Config) -> int:
    """Print the table."""
    del options
    url = settings.DATABASE_URL
    if url.startswith(SQLITE):
        return _check_file(Path(url.removeprefix(SQLITE)))
    look = look_at(parse_url(url))
    columns = ("server", "reachable", "role", "writable", "lag", "timeline", "version", "connected in", "error")
    table = Table(*columns, box=box.SIMPLE_HEAD)
    for node in look.nodes:
        streams = node.role != "standby" or node.address in look.streaming
        table.add_row(*_row(node, streams=streams))
    console = Console(highlight=False, markup=False)
    console = console if console.is_terminal else Console(highlight=False, markup=False, width=PIPE_WIDTH)
    console.print(table)
    primaries = [node for node in look.nodes if node.writable]
    unreachable = [node for node in look.nodes if node.state != "running"]
    if len(primaries) == 1 and not unreachable:
        return 0
    print(f"{len(primaries)} take writes, {len(unreachable)} not reachable: `scrapy catalog recover` says what to do")  # noqa: T201
    return 1


def _row(node: Node, *, streams: bool) -> tuple[str, ...]:
    lag = []
    if node.role == "standby":
        lag += [decimal(node.lag_bytes)] if node.lag_bytes is not None else []
        lag += [f"{node.lag_seconds:.1f} s"] if node.lag_seconds is not None else []
        lag += [] if streams else ["does not stream"]
    return (
        str(node.address),
        "yes" if node.state == "running" else f"no: {node.state}",
        node.role or "",
        "yes" if node.writable else "no",
        ", ".join(lag),
        str(node.timeline or ""),
        node.server_version or "",
        f"{1000 * node.connect_seconds:.0f} ms" if node.connect_seconds is not None else "",
        node.last_error,
    )


def _check_file(file: Path) -> int:
    """Tell of an SQLite catalog whether it is there and can be written."""
    started = time.monotonic()
    error = "" if file.exists() else "there is no such file: a crawl makes it"
    try:
        if not error:
            with closing(sqlite3.connect(file, timeout=0.5, isolation_level=None)) as connection:
                connection.execute("begin immediate")
                connection.execute("select count(*) from sqlite_master").fetchone()
                connection.execute("rollback")
    except sqlite3.Error as failed:
        error = str(failed)
    seconds = time.monotonic() - started
    told = f"cannot be used: {error}" if error else f"writable, opened in {1000 * seconds:.0f} ms"
    print(f"{public_url(f'{SQLITE}{file}')}: SQLite {sqlite3.sqlite_version}, {told}")  # noqa: T201
    return 1 if error else 0
