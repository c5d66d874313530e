"""What became of a job whose end nobody has told: a daemon asks when it starts, and about crawls not its children."""

from __future__ import annotations

from enum import Enum, auto

import psutil

from image_spider_node.jobs import JobRecord

SAME_START_SECONDS = 2.0  # Linux tells starts by the boot's time, which moves when the clock is set by network time


class Fate(Enum):
    """What a record and its processes say."""

    ENDED = auto()  # and was written down
    RUNNING = auto()
    UNCLAIMED = auto()  # no watcher has come so far: it may be released, and run another time
    VANISHED = auto()  # processes and all, as by a power loss: nobody saw its exit status


def fate(record: JobRecord, *, crawl_lives: bool, watcher_lives: bool) -> Fate:
    """Tell what became of a job."""
    if record.ended:
        return Fate.ENDED
    if record.pid is None:
        return Fate.UNCLAIMED
    # While the watcher lives it will tell the exit status; a watcher may be killed while the crawl runs on.
    return Fate.RUNNING if crawl_lives or watcher_lives else Fate.VANISHED


def lives(pid: int | None, started: float | None) -> bool:
    """Tell whether a process runs, and is the one that started then; a zombie does not run."""
    if pid is None or started is None:
        return False
    try:
        process = psutil.Process(pid)
        same = abs(process.create_time() - started) <= SAME_START_SECONDS
        return same and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def fate_of(record: JobRecord) -> Fate:
    """Look at the processes of a job."""
    return fate(
        record,
        crawl_lives=lives(record.pid, record.pid_started),
        watcher_lives=lives(record.watcher, record.watcher_started),
    )
