from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime

import psutil
import pytest

from image_spider_node.jobs import JobRecord
from image_spider_node.recovery import Fate, fate, lives

RUNS = JobRecord(
    project="p",
    spider="s",
    job="1",
    watcher=10,
    watcher_started=1.0,
    pid=11,
    pid_started=1.0,
    started=datetime.now(UTC),
    ended=None,
    exit_status=None,
    finish_reason=None,
    log=None,
    version="1",
    egg_sha256="0" * 64,
)


@pytest.mark.parametrize(
    ("record", "crawl_lives", "watcher_lives", "expected"),
    [
        (RUNS, True, True, Fate.RUNNING),
        (RUNS, False, True, Fate.RUNNING),  # the watcher is about to write the exit status down
        (RUNS, True, False, Fate.RUNNING),  # somebody killed the watcher
        (RUNS, False, False, Fate.VANISHED),
        (replace(RUNS, pid=None, watcher=None), False, False, Fate.UNCLAIMED),
        (replace(RUNS, ended=datetime.now(UTC), exit_status=0), False, False, Fate.ENDED),
        (replace(RUNS, ended=datetime.now(UTC)), True, True, Fate.ENDED),
    ],
)
def test_what_became_of_a_job(record: JobRecord, crawl_lives: bool, watcher_lives: bool, expected: Fate):
    assert fate(record, crawl_lives=crawl_lives, watcher_lives=watcher_lives) is expected


def test_a_process_is_known_by_its_start_not_by_its_number_alone():
    started = psutil.Process().create_time()
    assert lives(os.getpid(), started)
    assert not lives(os.getpid(), started - 60), "the number was given again"
    assert not lives(None, None)


def test_a_zombie_does_not_live():
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        started = psutil.Process(process.pid).create_time()
        assert lives(process.pid, started)
        process.kill()
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        assert not lives(process.pid, started)
