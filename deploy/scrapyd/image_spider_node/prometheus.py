"""The figures of a node as Prometheus reads them (text format 0.0.4), by Prometheus' own library."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import scrapyd
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily, Metric

from image_spider_node import __version__
from image_spider_node.metrics import NodeFigures

if TYPE_CHECKING:
    from image_spider_node.jobs import JobRecord
    from image_spider_node.processes import ProcessFigures

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
PREFIX = "image_spider_node_"
JOB = ("project", "spider", "job", "version")
OF_PROCESS = (  # name, what it is, whether it only grows
    ("cpu_seconds", "CPU seconds of {}, its ended children included", True),
    ("memory_bytes", "resident memory of {}", False),
    ("processes", "processes of {}", False),
    ("threads", "threads of {}", False),
    ("open_files", "open files of {}", False),
    ("read_bytes", "bytes that {} has read from disks", True),
    ("written_bytes", "bytes that {} has written to disks", True),
)


def render(figures: NodeFigures) -> bytes:
    """Return the figures in Prometheus' text format."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Once([*_node(figures), *_machine(figures), *_processes(figures)]))
    return generate_latest(registry)


class _Once:
    """The collector that the library asks for."""

    def __init__(self, metrics: Iterable[Metric]) -> None:
        self._metrics = metrics

    def collect(self) -> Iterable[Metric]:
        return self._metrics


def _node(figures: NodeFigures) -> Iterator[Metric]:
    info = {"version": __version__, "scrapyd": scrapyd.__version__}
    yield InfoMetricFamily(f"{PREFIX.rstrip('_')}", "versions of the node's programs", value=info)
    work, ended, logs = figures.work, figures.work.ended, figures.logs
    yield _gauge("start_time_seconds", "when the daemon was started", figures.started)
    yield _gauge("look_seconds", "how long it took to take these figures", figures.seconds)
    yield _gauge("slots", "jobs that may run at the same time", work.slots)
    yield _gauge("jobs_running", "jobs that run", len(work.running))
    pending = GaugeMetricFamily(f"{PREFIX}jobs_pending", "jobs that wait for a slot", labels=("project",))
    for project, count in sorted(work.pending.items()):
        pending.add_metric((project,), count)
    yield pending
    finished = GaugeMetricFamily(
        f"{PREFIX}jobs_finished", "ended jobs that the node remembers, by what became of them", labels=("outcome",)
    )
    for outcome in ("succeeded", "failed", "interrupted", "unknown"):
        finished.add_metric((outcome,), getattr(ended, outcome))
    yield finished
    if ended.last_failure is not None:
        yield _gauge("last_failure_time_seconds", "when a job last failed", ended.last_failure)
    yield _gauge("log_files", "log files at the last look of retention", logs.files)
    yield _gauge("log_bytes", "bytes of log files at the last look of retention", logs.bytes)
    yield _counter("log_files_deleted", "log files that retention has deleted", logs.deleted_files)
    yield _counter("log_bytes_deleted", "bytes of log files that retention has deleted", logs.deleted_bytes)


def _machine(figures: NodeFigures) -> Iterator[Metric]:
    machine = figures.machine
    yield _gauge("cores", "cores of the machine", machine.cpu.cores)
    cpu = CounterMetricFamily(f"{PREFIX}cpu_seconds", "seconds of all cores since boot", labels=("mode",))
    for mode, seconds in sorted(machine.cpu.seconds.items()):
        cpu.add_metric((mode,), seconds)
    yield cpu
    for minutes, load in zip((1, 5, 15), machine.cpu.load, strict=True):
        yield _gauge(f"load{minutes}", f"processes that run or want to, mean of {minutes} min", load)
    for name in ("total", "available", "used"):
        yield _gauge(f"memory_{name}_bytes", f"memory of the machine: {name}", getattr(machine.memory, name))
    yield _gauge("swap_total_bytes", "swap of the machine", machine.memory.swap_total)
    yield _gauge("swap_used_bytes", "swap in use", machine.memory.swap_used)
    yield from _disks(figures)
    for name, meaning in (
        ("received_bytes", "bytes that came in"),
        ("sent_bytes", "bytes that went out"),
        ("errors", "packets that went wrong"),
        ("dropped", "packets that were dropped"),
    ):
        network = CounterMetricFamily(f"{PREFIX}network_{name}", f"{meaning}, since boot", labels=("interface",))
        for interface, counts in machine.network.items():
            network.add_metric((interface,), getattr(counts, name))
        yield network


def _disks(figures: NodeFigures) -> Iterator[Metric]:
    for name, meaning in (
        ("total", "bytes of the file system that holds a folder of the node"),
        ("free", "bytes that the node may still write there"),
    ):
        disk = GaugeMetricFamily(f"{PREFIX}disk_{name}_bytes", meaning, labels=("folder",))
        for found in figures.machine.disks:
            for folder in found.folders:
                disk.add_metric((folder,), getattr(found, name))
        yield disk
    inodes = GaugeMetricFamily(f"{PREFIX}disk_free_inodes", "files that may still be made there", labels=("folder",))
    for found in figures.machine.disks:
        for folder in found.folders:
            inodes.add_metric((folder,), found.inodes_free)
    yield inodes
    for name, meaning in (("read", "read from"), ("written", "written to")):
        value = getattr(figures.machine, f"disk_{name}_bytes")
        if value is not None:
            yield _counter(f"disk_{name}_bytes", f"bytes {meaning} all disks since boot", value)


def _processes(figures: NodeFigures) -> Iterator[Metric]:
    for name, meaning, grows in OF_PROCESS:
        if figures.daemon and (value := getattr(figures.daemon, name)) is not None:
            make = _counter if grows else _gauge
            yield make(f"daemon_{name}", meaning.format("the daemon without its jobs"), value)
        family = CounterMetricFamily if grows else GaugeMetricFamily
        metric = family(f"{PREFIX}job_{name}", meaning.format("a running job with its children"), labels=JOB)
        for job, process in figures.jobs:
            if process and (value := getattr(process, name)) is not None:
                metric.add_metric(_labels(job), value)
        yield metric
    started = GaugeMetricFamily(f"{PREFIX}job_start_time_seconds", "when a running job was started", labels=JOB)
    alive = GaugeMetricFamily(f"{PREFIX}job_process_alive", "whether a running job has a process", labels=JOB)
    for job, process in figures.jobs:
        started.add_metric(_labels(job), job.started.timestamp())
        alive.add_metric(_labels(job), _is_alive(process))
    yield from (started, alive)


def _is_alive(process: ProcessFigures | None) -> int:
    return int(process is not None)


def _labels(job: JobRecord) -> tuple[str, str, str, str]:
    return job.project, job.spider, job.job, job.version or ""


def _gauge(name: str, meaning: str, value: float) -> Metric:
    return GaugeMetricFamily(PREFIX + name, meaning, value=value)


def _counter(name: str, meaning: str, value: float) -> Metric:
    return CounterMetricFamily(PREFIX + name, meaning, value=value)
