"""One crawl by a contestant's worker, measured: pages/s by the web server's log, CPU, round trips to Redis."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import redis

from benchmarks.contestants import ROOT, project_environment
from benchmarks.web_server import WebServer
from tests.redis_servers import RedisServer

DEADLINE_SECONDS = 240.0
ROUND_TRIPS = {"memory": (), "ours": ("evalsha", "eval"), "scrapy-redis": ("sadd", "zadd", "exec", "zcard")}


@dataclass(frozen=True, slots=True, kw_only=True)
class Crawled:
    """One run: pages/s from the first request to the last, CPU ms of the worker and round trips for each page."""

    pages: int
    rate: float
    cpu_ms: float
    round_trips: float


@contextmanager
def redis_server() -> Iterator[RedisServer]:
    """Run an empty Redis with an append-only file while the block runs."""
    with tempfile.TemporaryDirectory(prefix="redis-") as folder:
        server = RedisServer(Path(folder), "--appendonly", "yes")
        server.start()
        try:
            yield server
        finally:
            server.stop()


@contextmanager
def distant(target: int, round_trip_seconds: float) -> Iterator[int]:
    """Yield a port from which a port of this machine is so far away; its own one for no distance."""
    if not round_trip_seconds:
        yield target
        return
    words = ["--target", str(target), "--delay", str(round_trip_seconds / 2)]
    command = [sys.executable, "-m", "tests.tcp_proxy", *words]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as proxy:
        assert proxy.stdout
        yield int(proxy.stdout.readline())
        proxy.terminate()


def worker(
    contestant: str, start_url: str, folder: Path, *, name: str = "worker", settings: Mapping[str, object] | None = None
) -> subprocess.Popen[bytes]:
    """Start a worker; it leaves name.json and name.log in the folder."""
    words = [f"{key}={value}" for key, value in (settings or {}).items()]
    command = [sys.executable, "-m", "benchmarks.frontier.crawler", contestant, start_url, str(folder / f"{name}.json")]
    with (folder / f"{name}.log").open("wb") as log:
        return subprocess.Popen(
            [*command, *words], cwd=folder, env=project_environment(), stdout=log, stderr=subprocess.STDOUT
        )


def crawl(
    contestant: str,
    start_url: str,
    *,
    server: WebServer,
    pages: int,
    elsewhere: int = 0,
    round_trip_seconds: float = 0.0,
    settings: Mapping[str, object] | None = None,
) -> Crawled:
    """Let one worker crawl; SystemExit unless it asked for each page once.

    Pages that another server gives, `elsewhere`, must be there too, but are in no figure but round_trips and cpu_ms.
    """
    server.forget()
    with tempfile.TemporaryDirectory(prefix="frontier-") as work, redis_server() as own:
        folder = Path(work)
        with distant(own.port, round_trip_seconds) as port:
            url = {} if contestant == "memory" else {"REDIS_URL": f"redis://127.0.0.1:{port}/0"}
            process = worker(contestant, start_url, folder, settings={**url, **(settings or {})})
            log = ended(process, folder / "worker.log")
        round_trips = calls(own, ROUND_TRIPS[contestant])
        figures = json.loads((folder / "worker.json").read_text(encoding="utf-8"))
    requested = server.requests("/")
    if not len(requested) == figures["pages"] - elsewhere == pages:
        found = f"{figures['pages']} pages of {pages + elsewhere}, {len(requested)} requests"
        raise SystemExit(f"{contestant}: {found}: {log[-3000:]}")
    return Crawled(
        pages=pages,
        rate=(pages - 1) / (requested[-1] - requested[0]),
        cpu_ms=1000 * figures["cpu_seconds"] / figures["pages"],
        round_trips=round_trips / figures["pages"],
    )


def ended(process: subprocess.Popen[bytes], log: Path) -> str:
    """Wait for the end of a worker and return its log; SystemExit if it failed."""
    try:
        code = process.wait(DEADLINE_SECONDS)
    finally:
        process.kill()
    text = log.read_text(encoding="utf-8", errors="replace")
    if code:
        raise SystemExit(f"a worker ended with exit code {code}: {text[-3000:]}")
    return text


def calls(server: RedisServer, commands: tuple[str, ...]) -> int:
    """Return how often clients sent these commands, by INFO commandstats."""
    with redis.Redis(port=server.port) as connection:
        statistics = connection.info("commandstats")
    return sum(int(statistics.get(f"cmdstat_{command}", {}).get("calls", 0)) for command in commands)
