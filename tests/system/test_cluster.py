"""`make cluster` on a scratch folder: real Patroni, PostgreSQL and Redis, killed."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import psycopg2
import pytest
import requests

from deploy.local_cluster import supervisor
from deploy.local_cluster.plan import Node, Plan
from deploy.local_cluster.status import is_well, postmaster_pid, primary, status
from tests.eggs import make_egg
from tests.project import ROOT, Project
from tests.waiting import wait_until

SECONDS = 90.0  # on a busy machine; it takes a few


class ClusterInFolder:
    """The commands behind make, and what they left in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "deploy.local_cluster", *words, "--folder", str(self.folder)]
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=200)

    @property
    def plan(self) -> Plan:
        plan = Plan.load(self.folder)
        assert plan
        return plan

    def environment(self) -> dict[str, str]:
        """Read the file that a shell would source."""
        words = shlex.split((self.folder / "cluster.env").read_text())
        return dict(word.split("=", 1) for word in words if word != "export")

    def execute(self, statement: str, *, user: str = "images") -> list[tuple[object, ...]]:
        url = self.environment()["DATABASE_URL"].replace("//images:", f"//{user}:")
        with closing(psycopg2.connect(url, target_session_attrs="primary", connect_timeout=5)) as connection:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(statement)
                return cursor.fetchall() if cursor.description else []

    def takes_writes(self) -> bool:
        with suppress(psycopg2.OperationalError):
            return bool(self.execute("select 1"))
        return False

    def primary(self) -> Node:
        node: Node = wait_until(lambda: primary(self.plan), seconds=SECONDS)
        return node

    def is_well(self) -> bool:
        return is_well(status(self.folder, self.plan))


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[ClusterInFolder]:
    cluster = ClusterInFolder(tmp_path / "cluster")
    yield cluster
    assert cluster.run("stop", "--wipe").returncode == 0
    assert not cluster.folder.exists()


def test_a_killed_primary_is_replaced_and_comes_back_as_synchronous_standby(cluster: ClusterInFolder):
    assert cluster.run("status").returncode == 3
    started = cluster.run("up")
    assert started.returncode == 0, started.stderr
    assert (cluster.folder / "cluster.env").read_text() in started.stdout
    assert cluster.environment() == cluster.plan.environment | cluster.plan.scrapyd_environment
    assert cluster.execute("select count(*) from images") == [(0,)]
    programs = supervisor.processes(cluster.plan)
    assert cluster.run("up").returncode == 0
    assert supervisor.processes(cluster.plan) == programs, "a second start has started something"

    cluster.execute("create table kept (line text)")
    cluster.execute("insert into kept values ('acknowledged')")
    old = cluster.primary()
    pid = postmaster_pid(cluster.folder, old)
    assert pid
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: primary(cluster.plan) not in (None, old), seconds=SECONDS, what="a promotion")
    wait_until(cluster.takes_writes, seconds=SECONDS)
    assert cluster.execute("select * from kept") == [("acknowledged",)]
    cluster.execute("insert into kept values ('afterwards')")

    wait_until(cluster.is_well, seconds=SECONDS, what="the old primary as synchronous standby")
    assert cluster.primary() != old
    assert cluster.run("status").returncode == 0
    have_a_standby_made_anew(cluster, old)
    logs = have_crawls_begun_on_both_nodes(cluster)

    assert cluster.run("stop").returncode == 0
    assert not cluster.plan.taken_ports()
    assert all("'finish_reason': 'shutdown'" in log.read_text() for log in logs), "crawls were not ended in order"
    assert cluster.run("status").returncode == 3


def have_a_standby_made_anew(cluster: ClusterInFolder, standby: Node) -> None:
    """Part of the test above, which has a cluster up: `recover --apply` gives Patroni the password it asks for."""
    mark = cluster.folder / standby.name / "data/of_before"
    mark.touch()
    cluster.execute("alter role replicator nologin", user="postgres")
    cluster.execute("select pg_terminate_backend(pid) from pg_stat_replication", user="postgres")
    project = Project(cluster.folder.parent)
    environment = {name: value for name, value in cluster.environment().items() if name != "REDIS_URL"}
    name = f"127.0.0.1:{standby.postgres_port}"
    wait_until(lambda: name in project.run("catalog", "recover", **environment).stdout, seconds=SECONDS)
    done = project.run("catalog", "recover", "--apply", **environment)
    assert f"Patroni makes {standby.name} anew" in done.stdout, done.stdout + done.stderr
    assert done.returncode == 0
    cluster.execute("alter role replicator login", user="postgres")
    wait_until(lambda: not mark.exists() and cluster.is_well(), seconds=SECONDS, what="a standby made anew")
    assert cluster.execute("select count(*) from kept") == [(2,)]


def have_crawls_begun_on_both_nodes(cluster: ClusterInFolder) -> list[Path]:
    """Part of the test above, too: the nodes take an egg and run a crawl that does not end by itself."""
    egg = cluster.folder.parent / "small.egg"
    egg.write_bytes(make_egg())
    command = [sys.executable, str(ROOT / "deploy/deploy.py"), "--nodes", str(cluster.folder / "scrapyd.nodes")]
    words = ("--egg", str(egg), "--version", "1", "--project", "small")
    done = subprocess.run([*command, *words], capture_output=True, text=True, timeout=SECONDS)
    assert (done.returncode, done.stderr.count("hash verified")) == (0, 2), done.stderr
    begun = []
    login = cluster.environment()
    for node in cluster.plan.scrapyd_nodes:
        fields = {"project": "small", "spider": "waits", "jobid": "waiting", "until": "never"}
        auth = (login["SCRAPYD_USERNAME"], login["SCRAPYD_PASSWORD"])
        assert requests.post(f"{node.url}schedule.json", data=fields, auth=auth, timeout=30).ok
        begun.append(cluster.folder / node.name / "runs")
    wait_until(lambda: all(file.exists() for file in begun), seconds=SECONDS)
    return [cluster.folder / node.name / "logs/small/waits/waiting.log" for node in cluster.plan.scrapyd_nodes]


def test_what_a_killed_supervisor_left_is_ended_and_its_data_are_kept(cluster: ClusterInFolder):
    assert cluster.run("up").returncode == 0
    cluster.execute("create table kept (line text)")
    os.kill(int((cluster.folder / "supervisord.pid").read_text()), signal.SIGKILL)
    wait_until(lambda: supervisor.processes(cluster.plan) is None)
    refused = cluster.run("up")
    assert refused.returncode == 1
    assert "listen on ports of the cluster" in refused.stderr
    assert cluster.run("stop").returncode == 0
    assert not cluster.plan.taken_ports()

    assert cluster.run("up").returncode == 0
    assert cluster.execute("select * from kept") == []
