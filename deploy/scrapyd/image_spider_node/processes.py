"""What the processes of jobs use, with their descendants: a crawl decodes images in processes of its own."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import psutil

from image_spider_node.process_id import ProcessId


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessFigures:
    """A process and its descendants, at one moment.

    `cpu_seconds` counts descendants that ended, once their parent has waited for them. `cpu_percent` is of one core,
    since the look before. `memory_bytes` is resident memory; pages that several of them share are counted for each,
    because telling them apart holds the process up (13 ms for one of 500 MB, where this takes 0.01 ms). Open files, and
    bytes read from and written to disks, are None where the system tells them to the owner of the process alone.
    """

    processes: int
    threads: int
    cpu_seconds: float
    cpu_percent: float
    memory_bytes: int
    open_files: int | None
    read_bytes: int | None
    written_bytes: int | None


class Processes:
    """Looks at process trees. It remembers the last look, for `cpu_percent`; not for use by several threads at once."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._last: dict[ProcessId, tuple[float, float]] = {}  # when, CPU seconds

    def look(self, roots: Iterable[ProcessId]) -> dict[ProcessId, ProcessFigures]:
        """Return the figures of those that run, in one pass over all processes of the machine.

        A process that ends while it is looked at is left out, and so is one whose number another process has by now. A
        root below another one counts for itself alone: the daemon's figures are without its jobs.
        """
        roots = list(roots)
        children = _children(without={root.pid for root in roots})
        found: dict[ProcessId, ProcessFigures] = {}
        last, self._last = self._last, {}
        for root in roots:
            parts = [part for process in _tree(root, children) if (part := _part(process))]
            if parts and parts[0].pid == root.pid:
                found[root] = self._sum(root, parts, last.get(root))
        return found

    def _sum(self, root: ProcessId, parts: list[_Part], last: tuple[float, float] | None) -> ProcessFigures:
        now = self._clock()
        used = sum(part.cpu_seconds for part in parts)
        when, before = last or (now - root.age_seconds(), 0.0)
        self._last[root] = now, used
        # A descendant that ended and was not waited for takes its seconds along: never less than none.
        percent = 100 * max(used - before, 0.0) / (now - when) if now > when else 0.0
        return ProcessFigures(
            processes=len(parts),
            threads=sum(part.threads for part in parts),
            cpu_seconds=used,
            cpu_percent=percent,
            memory_bytes=sum(part.memory_bytes for part in parts),
            open_files=_sum_known(part.open_files for part in parts),
            read_bytes=_sum_known(part.read_bytes for part in parts),
            written_bytes=_sum_known(part.written_bytes for part in parts),
        )


@dataclass(frozen=True, slots=True)
class _Part:
    pid: int
    threads: int
    cpu_seconds: float
    memory_bytes: int
    open_files: int | None
    read_bytes: int | None
    written_bytes: int | None


def _children(*, without: set[int]) -> dict[int, list[psutil.Process]]:
    children: dict[int, list[psutil.Process]] = {}
    for process in psutil.process_iter(["ppid"]):  # the library skips those that vanish
        if process.pid not in without:
            children.setdefault(process.info["ppid"] or 0, []).append(process)
    return children


def _tree(root: ProcessId, children: dict[int, list[psutil.Process]]) -> Iterator[psutil.Process]:
    process = root.find()
    if process is None:
        return
    waiting = [process]
    seen = {root.pid}  # a number that was given anew during the pass may close a ring
    while waiting:
        process = waiting.pop(0)
        yield process
        below = [child for child in children.get(process.pid, ()) if child.pid not in seen]
        seen |= {child.pid for child in below}
        waiting += below


def _part(process: psutil.Process) -> _Part | None:
    try:
        with process.oneshot():
            if process.status() == psutil.STATUS_ZOMBIE:
                return None
            cpu = process.cpu_times()
            threads, memory = process.num_threads(), process.memory_info().rss
    except psutil.Error:
        return None
    try:
        files, disk = process.num_fds(), process.io_counters()
    except psutil.Error:  # another user's, or it ended this moment
        return _Part(process.pid, threads, sum(cpu[:4]), memory, None, None, None)
    return _Part(process.pid, threads, sum(cpu[:4]), memory, files, disk.read_bytes, disk.write_bytes)


def _sum_known(figures: Iterable[int | None]) -> int | None:
    known = [figure for figure in figures if figure is not None]
    return sum(known) if known else None
