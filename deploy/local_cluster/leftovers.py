"""Ends the programs of a local cluster that outlived its supervisor, which was killed."""

from __future__ import annotations

import signal
from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import psutil

from deploy.local_cluster.plan import HOST, Plan

WAIT_SECONDS = 60.0
EGG_VERSION = "SCRAPYD_EGG_VERSION"  # in the environment of whatever Scrapyd starts from an egg, orphans too
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
    found = node_processes({folder / node.name for node in plan.scrapyd_nodes})
    for process in found:
        with suppress(psutil.NoSuchProcess):
            if _is_node_or_crawl(process.cmdline()):
                process.terminate()
    _, alive = psutil.wait_procs(found, timeout=WAIT_SECONDS)
    for process in alive:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    return [process.pid for process in psutil.wait_procs(alive, timeout=WAIT_SECONDS)[1]]


def node_processes(folders: Collection[Path]) -> list[psutil.Process]:
    """Return what runs for the Scrapyd nodes of these folders: daemons, crawls, checks of eggs, and what those started.

    Not what somebody else runs there, such as a shell or `tail -f`.
    """
    names = {str(folder) for folder in folders}
    found: dict[psutil.Process, None] = {}
    for process in psutil.process_iter(["cwd", "cmdline"]):
        if process.info["cwd"] in names:
            with suppress(psutil.Error):  # it has ended, or is another user's
                if _is_node_or_crawl(process.info["cmdline"] or []) or EGG_VERSION in process.environ():
                    found |= dict.fromkeys((process, *process.children(recursive=True)))
    return list(found)


def _is_node_or_crawl(words: Sequence[str]) -> bool:
    is_crawl = "crawl" in words and any(word.startswith("_job=") for word in words)
    return is_crawl or any(word.endswith("/scrapyd") for word in words[:2])  # Python, and its script


def _processes(program: str, marks: set[str]) -> Iterator[psutil.Process]:
    for process in psutil.process_iter(["cmdline"]):
        line = " ".join([*(process.info["cmdline"] or []), ""])  # Redis writes its address into its first word
        if f"/{program} " in line and any(f" {mark} " in line for mark in marks):
            yield process
