"""A folder on a free port of loopback, and when each file was asked for: nginx, or aiohttp where it is missing."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.servers import free_port

WITHOUT_NGINX = "nginx is not on PATH (apt-get install nginx): a server in Python stands in, slower, on the same cores"
START_SECONDS = 10.0
TEMPORARY = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
CONFIGURATION = """
{user}
daemon off;
worker_processes 1;
pid {work}/pid;
events {{ worker_connections 1024; }}
http {{
    types {{ text/html html; image/jpeg jpg; text/plain txt; }}
    sendfile on;
    log_format requests '$msec $request_time $uri';
    access_log {log} requests;
    {temporary}
    server {{ {listen} root {folder}; }}
}}
"""


class WebServer:
    """Serves the files of a folder; a line of its log is "end seconds path", the end as time.time() counts.

    Each of the addresses, all of 127.0.0.0/8, is a host of its own to a crawler.
    """

    def __init__(self, folder: Path, *, nginx: str | None, addresses: Sequence[str] = ("127.0.0.1",)) -> None:
        self._folder = folder
        self._nginx = nginx
        self._addresses = addresses
        self.port = free_port()
        self.url = f"http://{addresses[0]}:{self.port}/"

    def __enter__(self) -> Self:
        """Start the server and wait until it listens."""
        self._work = tempfile.TemporaryDirectory(prefix="web-server-")
        self._log = Path(self._work.name) / "requests.log"
        self._process = subprocess.Popen(self._command(), stderr=subprocess.DEVNULL)
        _wait_for(self._addresses[-1], self.port)
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        """Stop the server."""
        self._process.terminate()
        self._process.wait()
        self._work.cleanup()

    def requests(self, prefix: str) -> list[float]:
        """Return when the requests for paths with this prefix began, in seconds of time.time(), in order."""
        lines = [line.split() for line in self._log.read_text(encoding="utf-8").splitlines()]
        return sorted(float(end) - float(seconds) for end, seconds, path in lines if path.startswith(prefix))

    def forget(self) -> None:
        """Empty the log; the server appends to it."""
        self._log.write_text("")

    def _command(self) -> list[str]:
        if not self._nginx:
            print(WITHOUT_NGINX, file=sys.stderr)
            words = [str(self._folder), str(self.port), str(self._log), *self._addresses]
            return [sys.executable, "-m", "benchmarks.file_server", *words]
        work = Path(self._work.name)
        configuration = CONFIGURATION.format(
            user="user root;" if os.geteuid() == 0 else "",  # else its worker may not read a temporary folder
            work=work,
            log=self._log,
            temporary=" ".join(f"{name}_temp_path {work}/{name};" for name in TEMPORARY),
            listen=" ".join(f"listen {address}:{self.port};" for address in self._addresses),
            folder=self._folder,
        )
        (work / "nginx.conf").write_text(configuration, encoding="utf-8")
        return [self._nginx, "-e", str(work / "error.log"), "-c", str(work / "nginx.conf")]


def find_nginx() -> str | None:
    """Return nginx, which Debian keeps off the PATH of most users."""
    return shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin")


def _wait_for(address: str, port: int) -> None:
    deadline = time.monotonic() + START_SECONDS
    with socket.socket() as probe:
        while probe.connect_ex((address, port)):
            if time.monotonic() > deadline:
                raise SystemExit(f"the web server did not start within {START_SECONDS:g} s")
            time.sleep(0.02)
