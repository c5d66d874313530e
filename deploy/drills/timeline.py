"""What happens after the primary is killed, with its time."""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress

import psycopg2

from deploy.drills.clusters import DrillCluster
from deploy.drills.crawl import DrillCrawl
from deploy.local_cluster.plan import ClusterError, Node
from deploy.local_cluster.status import postmaster_pid, primary, status

PROMOTED = "the standby is primary"
FIRST_ROW = "first new acknowledged row"
REJOINED = "the old primary is back as synchronous standby"
FINISHED = "all workers have ended"
EVENTS = (PROMOTED, FIRST_ROW, REJOINED, FINISHED)
POLL_SECONDS = 0.02
STATUS_POLLS = 10  # Patroni is asked in one of so many


class Timeline:
    """Kills the primary, then watches the other node and the crawl until everything has happened."""

    def __init__(self, cluster: DrillCluster, crawl: DrillCrawl) -> None:
        old = primary(cluster.plan)
        if old is None:
            raise ClusterError("Patroni names no running primary")
        self._old = old
        self._new = next(node for node in cluster.plan.nodes if node != old)
        self._cluster = cluster
        self._crawl = crawl
        self._seconds: dict[str, float] = {}
        self._rows_at_promotion: int | None = None

    def kill_primary(self) -> None:
        """Kill the postmaster with SIGKILL; its other processes end when they notice."""
        pid = postmaster_pid(self._cluster.folder, self._old)
        if pid is None:
            raise ClusterError(f"no postmaster of {self._old.name}")
        self._watcher = self._cluster.connect(self._new)
        self._killed = time.monotonic()
        os.kill(pid, signal.SIGKILL)
        self._say(0, f"kill -9 of the postmaster of {self._old.name}, process {pid}; {self._crawl.progress:.0%} served")

    def watch(self, *, seconds: float) -> None:
        """Return when everything has happened, or so many seconds after the kill."""
        poll = 0
        while self.missing_events() and time.monotonic() - self._killed < seconds:
            self._look_at_rows()
            if poll % STATUS_POLLS == 0 and PROMOTED in self._seconds:
                self._look_at_roles()
            if self._crawl.has_ended:
                self._note(FINISHED)
                if FIRST_ROW not in self._seconds and PROMOTED in self._seconds and REJOINED in self._seconds:
                    return  # no row will come
            poll += 1
            time.sleep(POLL_SECONDS)

    def missing_events(self) -> list[str]:
        """Return what has not happened, as complaints."""
        return [f"it did not happen: {event}" for event in EVENTS if event not in self._seconds]

    @property
    def outage(self) -> str:
        """How long nothing could be written, by the first row that was committed after the kill."""
        seconds = self._seconds.get(FIRST_ROW)
        return "nothing was written again" if seconds is None else f"writes were out for {seconds:.2f} s"

    def _look_at_rows(self) -> None:
        if FIRST_ROW in self._seconds:
            return
        promoted, rows = self._ask()
        if promoted and self._rows_at_promotion is None:
            self._rows_at_promotion = rows
            self._note(PROMOTED)
        elif promoted and self._rows_at_promotion is not None and rows > self._rows_at_promotion:
            self._note(FIRST_ROW)

    def _look_at_roles(self) -> None:
        rows = {row.program: row for row in status(self._cluster.folder, self._cluster.plan)}
        row = rows.get(f"postgres-{self._old.name}")
        if row and row.is_well and row.role == "synchronous standby":
            self._note(REJOINED)

    def _ask(self) -> tuple[bool, int]:
        """Return whether the other node takes writes, and how many sightings are committed there."""
        with suppress(psycopg2.Error), self._watcher.cursor() as cursor:
            cursor.execute("select not pg_is_in_recovery(), count(*) from sightings")
            promoted, rows = cursor.fetchone() or (False, 0)
            return bool(promoted), int(rows)
        with suppress(psycopg2.Error):
            self._watcher = self._cluster.connect(self._new)
        return False, 0

    def _note(self, event: str) -> None:
        if event not in self._seconds:
            self._seconds[event] = time.monotonic() - self._killed
            self._say(self._seconds[event], f"{event}: {self._node_of(event)}".removesuffix(": "))

    def _node_of(self, event: str) -> str:
        nodes: dict[str, Node] = {PROMOTED: self._new, REJOINED: self._old}
        return nodes[event].name if event in nodes else ""

    def _say(self, seconds: float, text: str) -> None:
        print(f"{seconds:+8.2f} s  {text}", flush=True)
