"""Scrapyd daemons for tests, each in a folder of its own on a free port of 127.0.0.1."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

from tests.servers import free_port
from tests.waiting import wait_until

CONFIGURATION = """\
[scrapyd]
bind_address = 127.0.0.1
http_port = {port}
poll_interval = 0.2
max_proc = 4
username = {username}
password = {password}
"""


class ScrapydNode:
    """A stock Scrapyd; its folder keeps eggs and logs over a stop and a start."""

    def __init__(self, folder: Path, *, username: str = "", password: str = "") -> None:
        self.folder = folder
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}/"
        self.environment = {key: value for key, value in os.environ.items() if not key.startswith("SCRAPY")}
        self._words = {"port": self.port, "username": username, "password": password}
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "scrapyd.conf").write_text(CONFIGURATION.format(**self._words))
        with (self.folder / "scrapyd.log").open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "scrapyd"],
                cwd=self.folder,
                env=self.environment | {"HOME": str(self.folder)},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        wait_until(self.answers, what=f"Scrapyd in {self.folder}")

    def answers(self) -> bool:
        """Whether somebody listens on its port."""
        with suppress(OSError):
            socket.create_connection(("127.0.0.1", self.port), timeout=5).close()
            return True
        return False

    def send(self, number: int) -> None:
        """Send a signal to the daemon alone."""
        assert self._process
        self._process.send_signal(number)

    def stop(self) -> None:
        """Kill the daemon and everything that it runs."""
        if self._process:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    @property
    def eggs(self) -> list[str]:
        """The versions that lie on its disk."""
        return sorted(path.stem for path in (self.folder / "eggs").rglob("*.egg"))
