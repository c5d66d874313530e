from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import psutil
import pytest

from image_spider_node.jobs import JobRecord
from image_spider_node.process_id import ProcessId
from image_spider_node.processes import Processes
from image_spider_node.recovery import Fate, fate, lives

RUNS = JobRecord(
    project="p",
    spider="s",
    job="1",
    watcher=10,
    watcher_started=1.0,
    pid=11,
    pid_started=1.0,
    boot="this boot",
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
    own = ProcessId.of(os.getpid())
    assert lives(own)
    assert not lives(replace(own, started=own.started - 1)), "the number was given again"
    assert not lives(replace(own, boot="another")), "after a boot all numbers are, and starts may be the same"
    assert not lives(None)


@pytest.mark.parametrize("seconds", [-3600, 60])
def test_a_process_is_known_after_the_clock_was_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seconds: int):
    own = ProcessId.of(os.getpid())
    told = re.sub(r"btime (\d+)", lambda found: f"btime {int(found[1]) + seconds}", Path("/proc/stat").read_text())
    (tmp_path / "stat").write_text(told)
    (tmp_path / str(own.pid)).symlink_to(f"/proc/{own.pid}")
    before = psutil.boot_time()
    monkeypatch.setattr(psutil, "PROCFS_PATH", str(tmp_path))
    assert psutil.boot_time() == before + seconds
    assert lives(own)
    assert Processes().look([own]).keys() == {own}


def test_a_zombie_does_not_live():
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        known = ProcessId.of(process.pid)
        assert lives(known)
        process.kill()
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        assert not lives(known)
