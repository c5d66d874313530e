"""What a node tells of itself at one moment: the machine, its own process, its jobs and their logs."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import psutil

from image_spider_node.jobs import JobRecord
from image_spider_node.machine import Machine, MachineFigures
from image_spider_node.outcomes import Outcomes
from image_spider_node.process_id import ProcessId
from image_spider_node.processes import Processes, ProcessFigures


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What the daemon knows of its jobs: how many may run at once, those that wait by project, that run, that ended."""

    slots: int
    pending: Mapping[str, int]
    running: Sequence[JobRecord]
    ended: Outcomes


@dataclass(frozen=True, slots=True, kw_only=True)
class LogFigures:
    """The logs on the disk at the last look of retention, and what it has deleted since the daemon started."""

    files: int = 0
    bytes: int = 0
    deleted_files: int = 0
    deleted_bytes: int = 0
    looked_at: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeFigures:
    """All of it. `jobs` has an entry for every running job; None as figures: its process is not there (any more)."""

    at: float
    seconds: float
    started: float
    machine: MachineFigures
    daemon: ProcessFigures | None
    work: Work
    jobs: Sequence[tuple[JobRecord, ProcessFigures | None]]
    logs: LogFigures

    def as_json(self) -> dict[str, Any]:
        """Return what `metrics.json` says; times are seconds since 1970."""
        return {
            "at": self.at,
            "seconds": round(self.seconds, 6),
            "started": self.started,
            "machine": asdict(self.machine),
            "daemon": self.daemon and asdict(self.daemon),
            "slots": self.work.slots,
            "pending": dict(self.work.pending),
            "running": len(self.work.running),
            "finished": asdict(self.work.ended),
            "logs": asdict(self.logs),
            "jobs": [
                {
                    "project": job.project,
                    "spider": job.spider,
                    "job": job.job,
                    "version": job.version,
                    "pid": job.pid,
                    "started": job.started.timestamp(),
                    "process": figures and asdict(figures),
                }
                for job, figures in self.jobs
            ],
        }


class Metrics:
    """Takes the figures. It blocks for some milliseconds, longer while a disk hangs: one thread at a time."""

    def __init__(self, *, machine: Machine, processes: Processes, clock: Callable[[], float] = time.time) -> None:
        self._machine = machine
        self._processes = processes
        self._clock = clock
        self._own = ProcessId.of(os.getpid())
        self._started = psutil.Process().create_time()

    def take(self, work: Work, logs: LogFigures) -> NodeFigures:
        """Look at the machine and at the processes of running jobs."""
        began = time.perf_counter()
        roots = [job.crawl_id for job in work.running]
        trees = self._processes.look([*filter(None, roots), self._own])
        machine = self._machine.look()
        return NodeFigures(
            at=self._clock(),
            seconds=time.perf_counter() - began,
            started=self._started,
            machine=machine,
            daemon=trees.get(self._own),
            work=work,
            jobs=[(job, trees.get(root) if root else None) for job, root in zip(work.running, roots, strict=True)],
            logs=logs,
        )
