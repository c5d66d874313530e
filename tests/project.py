"""The project's commands as real processes, and what they left behind."""

from __future__ import annotations

import hashlib
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

from tests.waiting import DEADLINE_SECONDS

ROOT = Path(__file__).parent.parent
LOOPBACK = "127.0.0.0/8,::1"  # where the sites of the tests are
FAST = ("-s", "HOST_DELAY_SECONDS=0", "-s", "RETRY_DELAY_SECONDS=0.1", "-s", "CONTACT_URL=http://127.0.0.1/")


class Project:
    """Runs `scrapy` in a folder of its own, where data/ lands."""

    program = "scrapy"  # a module

    def __init__(self, folder: Path, *, path: str = str(ROOT)) -> None:
        self.folder = folder
        self.data = folder / "data"
        unset = {
            key
            for key in os.environ
            if key.startswith(
                (
                    "SCRAPY_",
                    "ALIVE_",
                    "ALLOW_",
                    "AWS_",
                    "GOOGLE_",
                    "DNS_",
                    "PROXIED_",
                    "HOST_",
                    "IMAGE",
                    "DATA",
                    "CATALOG_",
                    "PATRONI_",
                    "PROX",
                    "REDIS_",
                    "RETRY_",
                    "ROBOTS_",
                    "BREAKER_",
                    "LEASE_",
                    "MAX_",
                    "SEEN_",
                    "CLAIM_",
                    "LABEL_",
                    "TAXONOMY",
                    "DUPLICATES",
                    "USER_AGENTS",
                    "TASK_",
                    "CONFIG_PATH",
                    "API_",
                    "OUTPUT_DIR",
                    "HEARTBEAT_",
                    "COMPLETION_",
                    "SHUTDOWN_",
                )
            )
        }
        inherited = {key: value for key, value in os.environ.items() if key not in unset}
        self.environment = inherited | {
            "PYTHONPATH": path,
            "SCRAPY_SETTINGS_MODULE": "image_spider.settings",
            "ALLOW_ADDRESSES": LOOPBACK,
        }

    def start(self, *words: object, prefix: tuple[str, ...] = (), **environment: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [*prefix, sys.executable, "-m", self.program, *map(str, words)],
            cwd=self.folder,
            env=self.environment | environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *words: object, prefix: tuple[str, ...] = (), **environment: str) -> subprocess.CompletedProcess[str]:
        process = self.start(*words, prefix=prefix, **environment)
        try:
            out, err = process.communicate(timeout=DEADLINE_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()  # one that never ends would take its core from all other tests
            raise
        return subprocess.CompletedProcess(words, process.returncode, out, err)

    def crawl(self, url: str, *words: object, **options: Any) -> subprocess.CompletedProcess[str]:
        return self.run("crawl", "images", "-a", f"url={url}", *FAST, *words, **options)

    def start_crawl(self, url: str, *words: object) -> subprocess.Popen[str]:
        return self.start("crawl", "images", "-a", f"url={url}", *FAST, *words)

    def rows(self, query: str, *parameters: object) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(self.data / "catalog.sqlite3")) as connection, connection:
            return connection.execute(query, parameters).fetchall()

    def files(self) -> dict[str, str]:
        """Return path -> SHA-256 of every original in the store; what was being written when killed is not in it."""
        store = self.data / "images"
        found = {str(path.relative_to(store)): path for path in sorted(store.rglob("*")) if path.is_file()}
        return {
            name: hashlib.sha256(path.read_bytes()).hexdigest()
            for name, path in found.items()
            if not name.endswith(".thumb.jpg") and not name.startswith((".partial/", ".ledgers/"))
        }

    def assert_files_and_rows_agree(self) -> None:
        """No file without a matching hash, no row without its file."""
        files = self.files()
        for name, sha256 in files.items():
            assert Path(name).stem == sha256, name
        for sha256, path in self.rows("select sha256, path from images"):
            assert files.get(path) == sha256, path
