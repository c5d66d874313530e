"""A fleet of real workers on a real Redis, in one folder with one catalog."""

from __future__ import annotations

import json
import signal
import sqlite3
import subprocess
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.project import FAST, Project
from tests.redis_servers import RedisServer
from tests.waiting import DEADLINE_SECONDS, wait_until

FRONTIER = "{images:requests}"


class Fleet(Project):
    """Workers are `scrapy crawl images` with REDIS_URL; each writes its log into the folder."""

    def __init__(self, folder: Path, redis: RedisServer | None = None) -> None:
        super().__init__(folder)
        self.redis = redis or RedisServer(folder / "redis")
        self.workers: list[subprocess.Popen[str]] = []

    def __enter__(self) -> Self:
        if not self.redis.runs:
            self.redis.start()
        self.environment |= {"REDIS_URL": self.redis.url, "LEASE_SECONDS": "15"}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for worker in self.workers:
            with suppress(ProcessLookupError):
                worker.kill()
            worker.communicate()
        self.redis.kill()

    def start_worker(self, *words: object, **environment: str) -> subprocess.Popen[str]:
        worker = self.launch_worker(*words, **environment)
        self.wait_for_joined()
        return worker

    def launch_worker(self, *words: object, **environment: str) -> subprocess.Popen[str]:
        """Start a worker, and do not wait for it."""
        log = f"--logfile=worker{len(self.workers)}.log"
        self.workers.append(self.start("crawl", "images", *FAST, *words, log, **environment))
        return self.workers[-1]

    def wait_for_joined(self) -> None:
        """Wait until every worker has joined the fleet."""
        for number in range(len(self.workers)):
            wait_until(lambda worker=number: "has joined the fleet" in self.log(worker))

    def log(self, number: int) -> str:
        file = self.folder / f"worker{number}.log"
        return file.read_text(encoding="utf-8") if file.exists() else ""

    def push(self, entry: str | dict[str, Any], *, verb: str = "LPUSH") -> None:
        """Push as `redis-cli` does."""
        raw = entry if isinstance(entry, str) else json.dumps(entry)
        self.redis.ask(verb, "images:start_urls", *(("1",) if verb == "ZADD" else ()), raw)

    def fields(self, crawl_id: str) -> dict[str, str]:
        """Return the fields of a crawl's record."""
        words = self.redis.ask("HGETALL", f"{FRONTIER}:crawl:{crawl_id}").split("\r\n")[2::2]
        return dict(zip(words[::2], words[1::2], strict=True))

    def state(self, crawl_id: str) -> str:
        return self.fields(crawl_id).get("state", "")

    def recorded(self, crawl_id: str) -> tuple[Any, ...] | None:
        """Return state and reason of a crawl in the catalog, once a worker recorded its end."""
        with suppress(sqlite3.OperationalError):  # the first worker has not made the tables yet
            for row in self.rows("select state, reason from crawls where id = ? and finished_at is not null", crawl_id):
                return row
        return None

    def stop(self, worker: subprocess.Popen[str], signal_number: int = signal.SIGTERM) -> int:
        worker.send_signal(signal_number)
        worker.communicate(timeout=DEADLINE_SECONDS)
        return worker.returncode
