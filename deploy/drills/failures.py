"""The three failures of the drill, and what must follow each."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from contextlib import suppress

import psycopg2

from deploy.drills.clusters import DrillCluster
from deploy.drills.crawl import DrillCrawl
from deploy.drills.nodes import Nodes, Worker
from deploy.drills.timeline import Timeline
from deploy.local_cluster.plan import ClusterError, Node
from deploy.local_cluster.status import postmaster_pid, primary, status

WORKER_SECONDS = 90.0  # on a busy machine; it takes some three
PATRONI_SECONDS = 30.0  # its answer may take two
JOINED = "has joined the fleet"  # what a worker's log says
FIRST_ROW = "the first new row is committed"


class Failures:
    """Kills what keeps a crawl running; `workers` are those that should live."""

    def __init__(self, *, cluster: DrillCluster, nodes: Nodes, crawl: DrillCrawl, timeline: Timeline) -> None:
        self._cluster = cluster
        self._nodes = nodes
        self._crawl = crawl
        self._timeline = timeline
        self.workers: list[Worker] = []

    def start_workers(self) -> None:
        """Start a worker on each node and wait until they have joined."""
        self._timeline.strike("schedule.json: a worker on each node")
        self.workers = [self._nodes.start_worker(node, self._crawl.settings()) for node in self._nodes.all]
        self._expect_joined(self.workers)

    def kill_worker(self) -> None:
        """Kill the first worker; its node must say that it has ended, and run another."""
        worker = self.workers.pop(0)
        pid = self._nodes.kill_worker(worker)
        self._timeline.strike(f"kill -9 of the worker on {worker.node.name}, process {pid}; {self._served()}")
        event = f"{worker.node.name} says that it has ended"
        self._timeline.expect({event: lambda: self._nodes.ended(worker)}, seconds=WORKER_SECONDS)
        self._replace(worker)

    def kill_node(self) -> None:
        """Kill the node of the oldest worker with all on it; it must come back with its egg, and run a worker."""
        worker = self.workers.pop(0)
        node = worker.node
        if (before := self._nodes.versions(node)) is None:
            raise ClusterError(f"{node.name} does not tell which eggs it has")
        pid = self._nodes.kill_node(node)
        self._timeline.strike(f"kill -9 of all of {node.name}, process {pid} and its worker; {self._served()}")
        events: dict[str, Callable[[], object]] = {
            f"{node.name} is back with the same egg": lambda: self._nodes.versions(node) == before
        }
        if not before.is_stock:
            events[f"{node.name} says that its worker has ended"] = lambda: self._nodes.ended(worker)
        self._timeline.expect(events, seconds=WORKER_SECONDS)
        self._replace(worker)

    def kill_primary(self, *, seconds: float) -> None:
        """Kill the postmaster of the primary; the standby must take over, and the crawl go on to its end."""
        if not self._primary_pid():
            self._timeline.expect({"Patroni names a primary": self._primary_pid}, seconds=PATRONI_SECONDS)
        old, pid = primary(self._cluster.plan), self._primary_pid()
        if not old or not pid:
            raise ClusterError("Patroni names no running primary")
        new = next(node for node in self._cluster.plan.nodes if node != old)
        watcher = _Watcher(self._cluster, new)
        os.kill(pid, signal.SIGKILL)
        self._timeline.strike(f"kill -9 of the postmaster of {old.name}, process {pid}; {self._served()}")
        self._crawl.let_go()
        if not self._timeline.expect({f"{new.name} is primary": watcher.is_promoted}, seconds=seconds):
            return
        events = {
            FIRST_ROW: watcher.has_new_row,
            f"{old.name} is back as synchronous standby": lambda: self._is_standby(old),
            "the crawl has ended": self._crawl.has_ended,
        }
        self._timeline.expect(events, seconds=seconds)

    def end_workers(self) -> None:
        """Tell the workers to end, and wait until they have."""
        for worker in self.workers:
            self._nodes.cancel(worker)
        self._timeline.strike("the workers are told to end")
        events = {
            f"{worker.job} has ended": (lambda worker=worker: self._nodes.ended(worker)) for worker in self.workers
        }
        self._timeline.expect(events, seconds=WORKER_SECONDS)

    def _replace(self, dead: Worker) -> None:
        """Start another worker on the node, as whoever watches the fleet does: Scrapyd starts nothing by itself."""
        worker = self._nodes.start_worker(dead.node, self._crawl.settings())
        self.workers.append(worker)
        self._expect_joined([worker])

    def _expect_joined(self, workers: list[Worker]) -> None:
        events = {
            f"{worker.job} on {worker.node.name} {JOINED}": (lambda worker=worker: JOINED in self._nodes.log(worker))
            for worker in workers
        }
        self._timeline.expect(events, seconds=WORKER_SECONDS)

    def _primary_pid(self) -> int | None:
        node = primary(self._cluster.plan)
        return postmaster_pid(self._cluster.folder, node) if node else None

    def _is_standby(self, node: Node) -> bool:
        rows = {row.program: row for row in status(self._cluster.folder, self._cluster.plan)}
        row = rows.get(f"postgres-{node.name}")
        return row is not None and row.is_well and row.role == "synchronous standby"

    def _served(self) -> str:
        return f"{self._crawl.progress:.0%} of the site is served"


class _Watcher:
    """Asks the standby, over one connection while that lasts, whether it takes writes and has new rows."""

    def __init__(self, cluster: DrillCluster, node: Node) -> None:
        self._cluster = cluster
        self._node = node
        self._connection = cluster.connect(node)
        self._rows_at_promotion: int | None = None

    def is_promoted(self) -> bool:
        promoted, rows = self._ask()
        if promoted and self._rows_at_promotion is None:
            self._rows_at_promotion = rows
        return promoted

    def has_new_row(self) -> bool:
        assert self._rows_at_promotion is not None
        return self._ask()[1] > self._rows_at_promotion

    def _ask(self) -> tuple[bool, int]:
        """Return whether the node takes writes, and how many sightings are committed there."""
        with suppress(psycopg2.Error), self._connection.cursor() as cursor:
            cursor.execute("select not pg_is_in_recovery(), count(*) from sightings")
            promoted, rows = cursor.fetchone() or (False, 0)
            return bool(promoted), int(rows)
        with suppress(psycopg2.Error):
            self._connection = self._cluster.connect(self._node)
        return False, 0
