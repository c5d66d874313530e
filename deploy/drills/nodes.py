"""The Scrapyd nodes of a drill and the workers on them."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import aiohttp
import psutil

from deploy.deployment.node_client import Job, JobState, NodeClient, NodeError
from deploy.deployment.target import Target
from deploy.deployment.versions import Versions
from deploy.drills.clusters import DrillCluster
from deploy.local_cluster import supervisor
from deploy.local_cluster.configuration import CHECKOUT, NODES_FILE
from deploy.local_cluster.leftovers import node_processes
from deploy.local_cluster.plan import SCRAPYD_USER, ClusterError, ScrapydNode

PROJECT = "drill"
SPIDER = "images"
ASK_SECONDS = 60.0
FINISH_REASON = re.compile(r"'finish_reason': '([^']*)'")
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Worker:
    """A job on a node."""

    node: ScrapydNode
    job: str


class Nodes:
    """Deploys, starts workers, kills."""

    def __init__(self, cluster: DrillCluster) -> None:
        self.all = cluster.plan.scrapyd_nodes
        self._cluster = cluster
        self._jobs = 0

    def deploy(self) -> str:
        """Run deploy/deploy.py for all nodes; return what it says. Raises ClusterError when it fails."""
        command = [sys.executable, str(CHECKOUT / "deploy/deploy.py"), "--project", PROJECT]
        command += ["--nodes", str(self._cluster.folder / NODES_FILE)]
        done = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=False)
        if done.returncode:
            raise ClusterError(f"the deployment failed:\n{done.stderr}")
        return done.stderr.strip().splitlines()[-1]

    def remove_project(self) -> None:
        """Remove the drill's eggs."""
        for node in self.all:
            with suppress(NodeError):
                self._ask(node, lambda client: client.delete_project())

    def start_worker(self, node: ScrapydNode, settings: Mapping[str, str]) -> Worker:
        """Schedule a worker; it begins within a second or two."""
        self._jobs += 1
        job = f"{self._cluster.database}-worker{self._jobs}"
        self._ask(node, lambda client: client.schedule(SPIDER, job, settings=settings))
        return Worker(node=node, job=job)

    def cancel(self, worker: Worker) -> None:
        """Tell a worker to end."""
        self._ask(worker.node, lambda client: client.cancel(worker.job))

    def end_all(self, workers: Sequence[Worker]) -> None:
        """Kill what is left of workers, as a drill that broke off leaves them."""
        for worker in workers:
            job = self.job(worker)
            if job is not None and job.state is not JobState.FINISHED:
                with suppress(NodeError, ClusterError):
                    self.cancel(worker)
                    self.kill_worker(worker)

    def job(self, worker: Worker) -> Job | None:
        """Return what the node tells of a worker; None when it does not know it, or does not answer."""
        with suppress(NodeError):
            return self._ask(worker.node, lambda client: client.jobs()).get(worker.job)
        return None

    def ended(self, worker: Worker) -> str:
        """Return what the node tells of a worker's end, with its exit status when it knows that; empty: nothing."""
        with suppress(NodeError):
            if self.is_in(worker, JobState.FINISHED):
                status = self._ask(worker.node, lambda client: client.exit_status(worker.job))
                return "exit status unknown" if status is None else f"exit status {status}"
        return ""

    def is_in(self, worker: Worker, state: JobState) -> bool:
        """Tell whether the node says so of the worker."""
        job = self.job(worker)
        return job is not None and job.state is state

    def versions(self, node: ScrapydNode) -> Versions | None:
        """Return the eggs of a node; None when it does not answer."""
        with suppress(NodeError):
            return self._ask(node, lambda client: client.versions())
        return None

    def log(self, worker: Worker) -> str:
        """Return a worker's whole log, off the disk: a node that died may not know the worker any more."""
        file = self._cluster.folder / worker.node.name / "logs" / PROJECT / SPIDER / f"{worker.job}.log"
        return file.read_text(encoding="utf-8", errors="replace") if file.exists() else ""

    def ending(self, worker: Worker) -> str:
        """Return a worker's finish reason; empty: it has none."""
        reasons: list[str] = FINISH_REASON.findall(self.log(worker))
        return reasons[-1] if reasons else ""

    def kill_worker(self, worker: Worker) -> int:
        """Kill a worker and its decoders with SIGKILL; return its process."""
        job = self.job(worker)
        if job is None or job.pid is None:
            raise ClusterError(f"{worker.node.name} names no process of {worker.job}")
        _kill_tree(job.pid)
        return job.pid

    def kill_node(self, node: ScrapydNode) -> int:
        """Kill a daemon and all that runs for it with SIGKILL, as a power cut does; return its process."""
        pids = {process.name: process.pid for process in supervisor.processes(self._cluster.plan) or ()}
        if (pid := pids.get(node.name)) is None:
            raise ClusterError(f"no process of {node.name}")
        found = node_processes([self._cluster.folder / node.name])
        os.kill(pid, signal.SIGKILL)  # first: it would write down how its crawls ended
        for process in found:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        return pid

    def _ask(self, node: ScrapydNode, work: Callable[[NodeClient], Awaitable[T]]) -> T:
        target = Target(
            name=node.name,
            url=node.url,
            project=PROJECT,
            username=SCRAPYD_USER,
            password=self._cluster.plan.password,
        )

        async def run() -> T:
            async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(force_close=True)) as session:
                return await work(NodeClient(target=target, session=session, upload_seconds=ASK_SECONDS))

        return asyncio.run(run())


def _kill_tree(pid: int) -> None:
    with suppress(psutil.NoSuchProcess):
        process = psutil.Process(pid)
        for one in (process, *process.children(recursive=True)):
            with suppress(psutil.NoSuchProcess):
                one.kill()


def push(urls: list[str], redis_cli: Path, redis_url: str) -> str:
    """Give start URLs to the fleet with redis-cli; return its answer. Raises ClusterError."""
    command = [str(redis_cli), "--no-auth-warning", "-u", redis_url, "lpush", "images:start_urls", *urls]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode or not done.stdout.strip().isdigit():
        raise ClusterError(f"redis-cli lpush failed: {done.stdout}{done.stderr}")
    return done.stdout.strip()
