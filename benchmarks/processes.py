"""A command measured with all its child processes: seconds, CPU seconds, memory."""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import psutil

SAMPLE_SECONDS = 0.1  # what a process does after its last sample is not counted


@dataclass(frozen=True, slots=True)
class Usage:
    """What a command took; memory is resident MB of all its processes, early and at most."""

    ended: float  # time.time() when the command ended
    seconds: float
    cpu_seconds: float
    early_mb: float
    peak_mb: float


def run(
    commands: list[list[str]],
    *,
    folder: Path,
    environment: Mapping[str, str],
    is_early: Callable[[], bool] = lambda: False,
) -> Usage:
    """Run the commands side by side in a folder until all have ended; SystemExit with its last words if one fails.

    The early memory is read when is_early first says so.
    """
    started = time.monotonic()
    logs = [folder / f"command-{number}.log" for number in range(len(commands))]
    processes = []
    for command, log in zip(commands, logs, strict=True):
        with log.open("wb") as output:
            processes.append(
                subprocess.Popen(command, cwd=folder, env=environment, stdout=output, stderr=subprocess.STDOUT)
            )
    sampler = _Sampler([psutil.Process(process.pid) for process in processes], is_early)
    sampler.start()
    codes = [process.wait() for process in processes]
    ended, seconds = time.time(), time.monotonic() - started
    sampler.stop()
    for code, log in zip(codes, logs, strict=True):
        if code:
            raise SystemExit(f"exit code {code}: {log.read_text(encoding='utf-8', errors='replace')[-3000:]}")
    return Usage(ended, seconds, sum(sampler.cpu.values()), sampler.early_mb, sampler.peak_mb)


class _Sampler(threading.Thread):
    """Reads CPU and memory of process trees until it is stopped."""

    def __init__(self, roots: list[psutil.Process], is_early: Callable[[], bool]) -> None:
        super().__init__()
        self._roots, self._is_early = roots, is_early
        self._stopped = threading.Event()
        self.cpu: dict[int, float] = {}
        self.early_mb = self.peak_mb = 0.0

    def stop(self) -> None:
        self._stopped.set()
        self.join()

    def run(self) -> None:
        while not self._stopped.wait(SAMPLE_SECONDS):
            resident_mb = self._sample() / 1e6
            self.peak_mb = max(self.peak_mb, resident_mb)
            if resident_mb and not self.early_mb and self._is_early():
                self.early_mb = resident_mb

    def _sample(self) -> int:
        resident = 0
        for root in self._roots:
            try:
                for process in [root, *root.children(recursive=True)]:
                    times = process.cpu_times()
                    self.cpu[process.pid] = times.user + times.system
                    resident += process.memory_info().rss
            except psutil.NoSuchProcess:
                continue
        return resident
