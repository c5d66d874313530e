"""What became of a job whose end nobody has told: a daemon asks when it starts, and about crawls not its children."""

from __future__ import annotations

from enum import Enum, auto

import psutil

from image_spider_node.jobs import JobRecord
from image_spider_node.process_id import ProcessId


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


def lives(process: ProcessId | None) -> bool:
    """Tell whether a process runs, and is the one that is meant; a zombie does not run."""
    found = process and process.find()
    try:
        return bool(found and found.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def fate_of(record: JobRecord) -> Fate:
    """Look at the processes of a job."""
    return fate(record, crawl_lives=lives(record.crawl_id), watcher_lives=lives(record.watcher_id))
