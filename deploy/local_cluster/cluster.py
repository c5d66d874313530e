"""Brings a local cluster up and down."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from deploy.local_cluster import supervisor
from deploy.local_cluster.configuration import write_configuration
from deploy.local_cluster.leftovers import end_crawls, end_leftovers
from deploy.local_cluster.plan import ClusterError, Plan
from deploy.local_cluster.programs import NOBODY, Programs
from deploy.local_cluster.status import is_well, status, table

PROJECT = Path(__file__).parent.parent.parent
START_SECONDS = 180.0
STOP_SECONDS = 180.0
LOG_LINES = 15


class LocalCluster:
    """The cluster whose data lie in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()

    @property
    def plan(self) -> Plan | None:
        """Its ports and password; None where no cluster has been made."""
        return Plan.load(self.folder)

    @property
    def runs(self) -> bool:
        """Whether its supervisor runs."""
        return bool(self.plan and supervisor.processes(self.plan))

    def up(self, say: Callable[[str], None] = print) -> Plan:
        """Start what does not run yet, and return when a standby is synchronous and the tables are made.

        Raises ClusterError with the end of a log when that takes longer than START_SECONDS.
        """
        with self._locked():
            plan = self.plan or Plan.choose()
            running = supervisor.processes(plan)
            if running is not None and not plan.scrapyd_nodes:
                raise ClusterError("it runs as an earlier version made it, without Scrapyd nodes: make cluster-stop")
            if running is None:
                plan = plan.completed()
                if taken := plan.taken_ports():
                    raise ClusterError(
                        f"other programs listen on ports of the cluster: {taken}. `make cluster-stop` ends what is left"
                        " of the cluster itself, `ss -ltnp` names others; or begin anew: make cluster-stop ARGS=--wipe"
                    )
                programs = Programs.find()
                plan.save(self.folder)
                write_configuration(self.folder, plan, programs)
                if programs.as_nobody:
                    for path in (self.folder, *self.folder.rglob("*")):
                        os.chown(path, NOBODY, NOBODY)
                say(f"Starting {programs.versions()}")
                supervisor.start(self.folder, plan, programs)
            self._wait_until_well(plan)
            make_tables(plan.environment)
        return plan

    def stop(self) -> None:
        """Stop everything in order; the data stay. Raises ClusterError when something does not stop."""
        if not (plan := self.plan):
            return
        with self._locked():
            if supervisor.processes(plan) is not None:
                # While Redis and PostgreSQL still run: a crawl gives its requests back and ends in order.
                supervisor.stop(plan, [node.name for node in plan.scrapyd_nodes])
                end_crawls(self.folder, plan)
                supervisor.shut_down(plan)
                deadline = time.monotonic() + STOP_SECONDS
                while (self.folder / "supervisord.pid").exists() and time.monotonic() < deadline:
                    time.sleep(0.1)
            if left := end_leftovers(self.folder, plan):
                raise ClusterError(f"still running: processes {', '.join(map(str, left))}")

    def wipe(self) -> None:
        """Remove the folder of a stopped cluster."""
        if self.plan:
            shutil.rmtree(self.folder)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Let one process at a time start or stop it."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ClusterError(f"cannot make {self.folder}: {error.strerror}") from error
        if self.folder.stat().st_uid not in (os.geteuid(), NOBODY if os.geteuid() == 0 else -1):
            raise ClusterError(f"{self.folder} belongs to another user: be that user, or use another --folder")
        if not self.plan and {path.name for path in self.folder.iterdir()} - {"lock"}:
            raise ClusterError(f"{self.folder} holds other things: give a --folder that is new or empty")
        self.folder.chmod(0o700)  # passwords are in it
        with (self.folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _wait_until_well(self, plan: Plan) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not is_well(rows := status(self.folder, plan)):
            failed = [one for one in supervisor.processes(plan) or () if one.state == "FATAL"]
            if failed:
                raise ClusterError(f"{failed[0].name} does not start: {failed[0].error}\n{self._log(failed[0].name)}")
            if time.monotonic() > deadline:
                logs = "\n".join(self._log(node.name) for node in plan.nodes)
                raise ClusterError(f"not ready after {START_SECONDS:.0f} s:\n{table(rows)}\n{logs}")
            time.sleep(0.1)

    def _log(self, name: str) -> str:
        file = self.folder / "log" / f"{name}.log"
        lines = file.read_text(encoding="utf-8", errors="replace").splitlines() if file.exists() else []
        return "\n".join([f"--- the end of {file}:", *lines[-LOG_LINES:]])


def make_tables(environment: Mapping[str, str]) -> None:
    """Run `scrapy catalog upgrade`; raises ClusterError."""
    command = [sys.executable, "-m", "scrapy", "catalog", "upgrade"]
    done = subprocess.run(
        command, cwd=PROJECT, env=os.environ | environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise ClusterError(f"`scrapy catalog upgrade` failed: {done.stderr.strip()}")
