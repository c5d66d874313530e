"""Ends the programs of a local cluster that outlived its supervisor, which was killed."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil

from deploy.local_cluster.plan import HOST, Plan

WAIT_SECONDS = 60.0
# In the order in which they end: Patroni ends its PostgreSQL, and asks the voter for its lock when it does.
SIGNALS = {
    "patroni": signal.SIGTERM,
    "postgres": signal.SIGINT,  # do not wait for clients
    "patroni_raft_controller": signal.SIGTERM,
    "redis-server": signal.SIGTERM,
    "valkey-server": signal.SIGTERM,
}


def end_leftovers(folder: Path, plan: Plan) -> list[int]:
    """End what was started with a file or the data of this folder; return what did not end in WAIT_SECONDS."""
    marks = {str(folder / "redis/redis.conf"), f"{HOST}:{plan.redis_port}", str(folder / "voter/voter.yml")}
    marks |= {str(folder / node.name / name) for node in plan.nodes for name in ("patroni.yml", "data")}
    left = end_crawls(folder, plan)
    for program, number in SIGNALS.items():
        found = list(_processes(program, marks))
        for process in found:
            with suppress(psutil.NoSuchProcess):
                process.send_signal(number)
        _, alive = psutil.wait_procs(found, timeout=WAIT_SECONDS)
        left += [process.pid for process in alive]
    return left


def end_crawls(folder: Path, plan: Plan) -> list[int]:
    """End crawls, and a Scrapyd that its supervisor left behind; return what did not end, even when killed.

    Crawls outlive their Scrapyd. Only they are told to end, not the processes that decode images for them.
    """
    folders = {str(folder / node.name) for node in plan.scrapyd_nodes}
    found = [process for process in psutil.process_iter(["cwd", "cmdline"]) if process.info["cwd"] in folders]
    for process in found:
        words = process.info["cmdline"] or []
        if any(word.startswith("_job=") or word.endswith("/scrapyd") for word in words):
            with suppress(psutil.NoSuchProcess):
                process.terminate()
    _, alive = psutil.wait_procs(found, timeout=WAIT_SECONDS)
    for process in alive:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    return [process.pid for process in psutil.wait_procs(alive, timeout=WAIT_SECONDS)[1]]


def _processes(program: str, marks: set[str]) -> Iterator[psutil.Process]:
    for process in psutil.process_iter(["cmdline"]):
        line = " ".join([*(process.info["cmdline"] or []), ""])  # Redis writes its address into its first word
        if f"/{program} " in line and any(f" {mark} " in line for mark in marks):
            yield process
