"""How a local cluster is: one row for each program."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

from deploy.local_cluster import supervisor
from deploy.local_cluster.plan import HOST, Node, Plan, ScrapydNode

REST_SECONDS = 2.0
ROLES = {"leader": "primary", "sync_standby": "synchronous standby", "replica": "standby"}
SERVING = ("running", "streaming")
HEADINGS = ("PROGRAM", "PID", "STATE", "ROLE", "LAG", "PORT")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A program; `state` is supervisor's word for it, Patroni's for a PostgreSQL."""

    program: str
    pid: int | None
    state: str
    port: int
    role: str = ""
    lag_bytes: int | None = None

    @property
    def is_well(self) -> bool:
        """Whether it does what it is for."""
        return self.state == "RUNNING" or (self.state in SERVING and bool(self.role))

    def cells(self) -> tuple[str, ...]:
        """Return what stands in the columns of HEADINGS."""
        lag = "" if self.lag_bytes is None else f"{self.lag_bytes} B"
        return (self.program, str(self.pid or "-"), self.state, self.role or "-", lag or "-", str(self.port))


def status(folder: Path, plan: Plan) -> list[Row]:
    """Return a row for each program; none when the cluster does not run."""
    found = {process.name: process for process in supervisor.processes(plan) or ()}
    if not found:
        return []
    members = _members(plan)
    rows = []
    for node in plan.nodes:
        patroni, member = found[node.name], members.get(node.name, {})
        rows.append(Row(program=f"patroni-{node.name}", pid=patroni.pid, state=patroni.state, port=node.rest_port))
        lag = member.get("lag")
        rows.append(
            Row(
                program=f"postgres-{node.name}",
                pid=postmaster_pid(folder, node),
                state=member.get("state", "unknown"),
                port=node.postgres_port,
                role=ROLES.get(member.get("role", ""), ""),
                lag_bytes=lag if isinstance(lag, int) else None,
            )
        )
    for name, port in (("voter", plan.voter_port), ("redis", plan.redis_port)):
        rows.append(Row(program=name, pid=found[name].pid, state=found[name].state, port=port))
    rows += [_scrapyd_row(node, found.get(node.name)) for node in plan.scrapyd_nodes]
    return rows


def is_well(rows: Sequence[Row]) -> bool:
    """Tell whether everything runs, and writes go to a primary with a synchronous standby."""
    roles = {row.role for row in rows if row.is_well}
    return bool(rows) and all(row.is_well for row in rows) and {"primary", "synchronous standby"} <= roles


def primary(plan: Plan) -> Node | None:
    """Return the node whose Patroni holds the lock; one that is being promoted takes writes some moments later."""
    for node in plan.nodes:
        if _ask(node.rest_port, "primary") is not None:
            return node
    return None


def postmaster_pid(folder: Path, node: Node) -> int | None:
    """Return the process that a node's PostgreSQL has written down; it may have been killed since."""
    with suppress(OSError, ValueError, IndexError):
        return int((folder / node.name / "data/postmaster.pid").read_text().splitlines()[0])
    return None


def table(rows: Sequence[Row]) -> str:
    """Return the rows as text with aligned columns."""
    lines = [HEADINGS, *(row.cells() for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join("  ".join(map(str.ljust, line, widths)).rstrip() for line in lines)


def _scrapyd_row(node: ScrapydNode, process: supervisor.Process | None) -> Row:
    """Return a row whose state is RUNNING only when the node answers: supervisor says so a second after the start."""
    if process is None:
        return Row(program=node.name, pid=None, state="NOT STARTED", port=node.port)
    state = process.state
    if (
        state == "RUNNING"
        and _ask(node.port, "daemonstatus.json", statuses=(HTTPStatus.OK, HTTPStatus.UNAUTHORIZED)) is None
    ):
        state = "SILENT"
    return Row(program=node.name, pid=process.pid, state=state, port=node.port)


def _members(plan: Plan) -> dict[str, dict[str, Any]]:
    """Return what the first Patroni that answers says of each node."""
    for node in plan.nodes:
        if answer := _ask(node.rest_port, "cluster"):
            members: list[dict[str, Any]] = json.loads(answer).get("members", [])
            return {member["name"]: member for member in members}
    return {}


def _ask(port: int, path: str, *, statuses: Sequence[HTTPStatus] = (HTTPStatus.OK,)) -> bytes | None:
    """Return what Patroni or Scrapyd answers; None when it does not, or with another status."""
    connection = HTTPConnection(HOST, port, timeout=REST_SECONDS)
    try:
        connection.request("GET", f"/{path}")
        answer = connection.getresponse()
        body = answer.read()
    except (OSError, HTTPException):
        return None
    finally:
        connection.close()
    return body if answer.status in statuses else None
