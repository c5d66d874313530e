"""Speaks to the supervisor of a local cluster."""

from __future__ import annotations

import subprocess
import xmlrpc.client
from collections.abc import Sequence
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import Any, cast

from deploy.local_cluster.configuration import server_environment
from deploy.local_cluster.plan import HOST, ClusterError, Plan
from deploy.local_cluster.programs import Programs

NOT_RUNNING = 70  # supervisor.xmlrpc.Faults


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """A program as supervisor sees it; `state` is one of its words (RUNNING, STARTING, BACKOFF, FATAL ...)."""

    name: str
    state: str
    pid: int | None
    error: str


def start(folder: Path, plan: Plan, programs: Programs) -> None:
    """Start supervisor and with it all programs, in the background; raises ClusterError."""
    command = [*programs.prefix, str(programs.supervisord), "-c", str(folder / "supervisord.conf")]
    done = subprocess.run(
        command,
        env=server_environment(plan, programs),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        raise ClusterError(f"supervisord does not start: {done.stdout.strip()}")


def processes(plan: Plan) -> list[Process] | None:
    """Return all programs, or None when no supervisor of this cluster runs."""
    try:
        with _server(plan) as server:
            found = cast("list[dict[str, Any]]", server.supervisor.getAllProcessInfo())
    except (OSError, HTTPException, xmlrpc.client.Error):
        return None
    return [
        Process(name=one["name"], state=one["statename"], pid=one["pid"] or None, error=one["spawnerr"])
        for one in found
    ]


def stop(plan: Plan, names: Sequence[str]) -> None:
    """Stop some programs, one after the other, and return when they have ended; raises ClusterError."""
    for name in names:
        try:
            with _server(plan) as server:
                server.supervisor.stopProcess(name)
        except xmlrpc.client.Fault as fault:
            if fault.faultCode != NOT_RUNNING:
                raise ClusterError(f"supervisor does not stop {name}: {fault.faultString}") from fault
        except (OSError, HTTPException, xmlrpc.client.Error) as error:
            raise ClusterError(f"supervisor does not answer: {error}") from error


def shut_down(plan: Plan) -> None:
    """Ask supervisor to stop all programs and itself; it takes seconds."""
    try:
        with _server(plan) as server:
            server.supervisor.shutdown()
    except (OSError, HTTPException, xmlrpc.client.Error) as error:
        raise ClusterError(f"supervisor does not answer: {error}") from error


def _server(plan: Plan) -> xmlrpc.client.ServerProxy:
    return xmlrpc.client.ServerProxy(f"http://supervisor:{plan.password}@{HOST}:{plan.supervisor_port}/RPC2")
