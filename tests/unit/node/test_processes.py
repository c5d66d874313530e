"""Figures of real process trees, and of such that are not there (any more)."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace

import psutil
import pytest

from image_spider_node.machine import Machine
from image_spider_node.process_id import ProcessId
from image_spider_node.processes import Processes
from tests.waiting import wait_until

PARENT = """
import subprocess, sys
child = subprocess.Popen(
    [sys.executable, "-c", "import sys; x = bytearray(30_000_000); print(1, flush=True); sys.stdin.read()"],
    stdin=subprocess.PIPE,
    stdout=subprocess.PIPE,
)
child.stdout.readline()
print(child.pid, flush=True)
sys.stdin.readline()
child.kill()
child.wait()
print("alone", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def parent() -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen([sys.executable, "-c", PARENT], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    yield process
    process.kill()
    process.communicate()


def line_of(process: subprocess.Popen[str]) -> str:
    assert process.stdout
    return process.stdout.readline().strip()


def test_a_job_is_its_process_and_all_below_it(parent: subprocess.Popen[str]):
    child = ProcessId.of(int(line_of(parent)))
    root = ProcessId.of(parent.pid)
    processes = Processes()
    both = processes.look([root])[root]
    only_child = processes.look([child])[child]
    assert (both.processes, only_child.processes) == (2, 1)
    assert both.memory_bytes > only_child.memory_bytes > 30_000_000
    assert both.threads == 2
    assert both.cpu_seconds > 0
    assert both.open_files
    assert both.written_bytes is not None


def test_what_an_ended_child_has_used_is_still_counted(parent: subprocess.Popen[str]):
    line_of(parent)
    root = ProcessId.of(parent.pid)
    processes = Processes()
    before = processes.look([root])[root]
    assert parent.stdin
    print("go on", file=parent.stdin, flush=True)
    assert line_of(parent) == "alone"
    after = processes.look([root])[root]
    assert after.processes == 1
    assert after.cpu_seconds >= before.cpu_seconds


def test_a_job_below_another_one_counts_for_itself(parent: subprocess.Popen[str]):
    child = ProcessId.of(int(line_of(parent)))
    root = ProcessId.of(parent.pid)
    found = Processes().look([root, child])
    assert (found[root].processes, found[child].processes) == (1, 1)


def test_a_process_that_has_ended_has_no_figures_and_holds_nothing_up(parent: subprocess.Popen[str]):
    line_of(parent)
    gone, here = ProcessId.of(parent.pid), ProcessId.of(os.getpid())
    parent.kill()
    wait_until(lambda: psutil.Process(parent.pid).status() == psutil.STATUS_ZOMBIE)
    assert Processes().look([gone, here]).keys() == {here}, "a zombie uses nothing"
    parent.communicate()
    assert Processes().look([gone, here]).keys() == {here}


def test_another_process_with_the_number_of_an_ended_one_is_not_taken_for_it(parent: subprocess.Popen[str]):
    line_of(parent)
    reused = replace(ProcessId.of(parent.pid), started=ProcessId.of(parent.pid).started - 1)
    assert Processes().look([reused]) == {}


def test_processor_time_is_told_as_a_share_of_what_passed_since_the_last_look():
    own = ProcessId.of(os.getpid())
    clock = iter([100.0, 200.0])
    processes = Processes(clock=lambda: next(clock))
    before = processes.look([own])[own].cpu_seconds
    end = time.process_time() + 0.2
    while time.process_time() < end:
        pass
    after = processes.look([own])[own]
    assert after.cpu_percent == pytest.approx(after.cpu_seconds - before, abs=1e-6)  # of 100 s
    assert after.cpu_percent >= 0.1


def test_processes_that_vanish_while_they_are_looked_at_are_left_out():
    own = ProcessId.of(os.getpid())
    children = [subprocess.Popen([sys.executable, "-c", ""]) for _ in range(8)]
    ids = [ProcessId.of(child.pid) for child in children]
    try:
        processes = Processes()
        while any(child.poll() is None for child in children):
            figures = processes.look([own, *ids])
            assert figures[own].processes >= 1
    finally:
        for child in children:
            child.wait()


def test_the_machines_figures_are_those_of_its_kernel(tmp_path):
    machine = Machine({"eggs": tmp_path, "logs": tmp_path, "dbs": tmp_path / "not there yet"})
    machine.look()
    figures = machine.look()
    assert figures.cpu.cores == psutil.cpu_count()
    assert 0 <= figures.cpu.percent <= 100
    assert figures.memory.total == psutil.virtual_memory().total
    (disk,) = figures.disks
    assert disk.folders == ("eggs", "logs")
    assert 0 < disk.free < disk.total
    assert figures.network.keys() == psutil.net_io_counters(pernic=True).keys()
