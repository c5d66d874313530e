"""Which processes are a Scrapyd node's, and end with it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest

from deploy.drills.nodes import Nodes
from deploy.local_cluster import leftovers, supervisor
from deploy.local_cluster.leftovers import end_crawls
from deploy.local_cluster.plan import Plan
from tests.waiting import wait_until

WITH_CHILD = "sleep 600 & echo $!; wait"


@dataclass
class Programs:
    """What runs in the folder of a node: its daemon, a crawl with a decoder, an orphan, and an operator's."""

    daemon: subprocess.Popen[bytes]
    crawl: subprocess.Popen[bytes]
    decoder: int
    orphan: subprocess.Popen[bytes]
    operators: subprocess.Popen[bytes]

    @property
    def theirs(self) -> list[int]:
        return [self.daemon.pid, self.crawl.pid, self.decoder, self.orphan.pid]


@pytest.fixture
def plan() -> Plan:
    return Plan.choose()


@pytest.fixture
def programs(tmp_path: Path, plan: Plan) -> Iterator[Programs]:
    folder = tmp_path / plan.scrapyd_nodes[0].name
    folder.mkdir()
    script = folder / "scrapyd"
    script.write_text("sleep 600 & wait")

    def start(*words: str, **options: Any) -> subprocess.Popen[bytes]:
        return subprocess.Popen(words, cwd=folder, **options)

    operators = start("cat", stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
    crawl = start("sh", "-c", WITH_CHILD, "crawl", "images", "-a", "_job=1", stdout=subprocess.PIPE)
    assert crawl.stdout
    started = Programs(
        daemon=start("sh", str(script)),
        crawl=crawl,
        decoder=int(crawl.stdout.readline()),
        orphan=start("sleep", "600", env=os.environ | {"SCRAPYD_EGG_VERSION": "1"}),
        operators=operators,
    )
    yield started
    for process in (started.daemon, started.crawl, started.orphan, started.operators):
        for child in psutil.Process(process.pid).children(recursive=True) if process.poll() is None else ():
            child.kill()
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout):
            if stream:
                stream.close()


def test_what_a_dead_supervisor_left_is_ended_and_an_operators_program_is_not(
    tmp_path: Path, plan: Plan, programs: Programs, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(leftovers, "WAIT_SECONDS", 0.2)
    end_crawls(tmp_path, plan)
    wait_until(lambda: all(map(_is_gone, programs.theirs)))
    assert _answers(programs.operators)


def test_a_drill_kills_a_node_with_all_of_its_own_and_spares_an_operators_program(
    tmp_path: Path, plan: Plan, programs: Programs, monkeypatch: pytest.MonkeyPatch
):
    node = plan.scrapyd_nodes[0]
    known = [supervisor.Process(name=node.name, state="RUNNING", pid=programs.daemon.pid, error="")]
    monkeypatch.setattr(supervisor, "processes", lambda plan: known)
    cluster: Any = SimpleNamespace(plan=plan, folder=tmp_path)
    assert Nodes(cluster).kill_node(node) == programs.daemon.pid
    wait_until(lambda: all(map(_is_gone, programs.theirs)))
    assert _answers(programs.operators)


def _answers(process: subprocess.Popen[bytes]) -> bool:
    """Whether it lives; one that was sent SIGKILL may be seen running for a moment, and reads nothing any more."""
    assert process.stdin
    assert process.stdout
    process.stdin.write(b"here\n")
    return process.stdout.readline() == b"here\n"


def _is_gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True
