"""Commands measured with all their child processes: CPU seconds and memory over time."""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import psutil

SAMPLE_SECONDS = 0.1  # what a process does after its last sample is not counted


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """What all commands together took up to a moment; children are their descendants, those that ended included."""

    at: float  # time.time()
    command_seconds: float  # of CPU
    child_seconds: float
    idle_seconds: float  # of all cores of the machine
    resident: int  # bytes


@dataclass(frozen=True, slots=True)
class Usage:
    """The samples of a run, the earliest first; there is one at least."""

    samples: tuple[Sample, ...]

    def at(self, moment: float) -> Sample:
        """Return the last sample up to a moment of time.time(), or the first one."""
        return next((sample for sample in reversed(self.samples) if sample.at <= moment), self.samples[0])

    def since(self, moment: float) -> Sample:
        """Return what was added from a moment to the end: seconds that passed, CPU seconds, bytes."""
        before, after = self.at(moment), self.samples[-1]
        return Sample(
            at=after.at - before.at,
            command_seconds=after.command_seconds - before.command_seconds,
            child_seconds=after.child_seconds - before.child_seconds,
            idle_seconds=after.idle_seconds - before.idle_seconds,
            resident=after.resident - before.resident,
        )

    @property
    def peak(self) -> int:
        """Return the most resident bytes."""
        return max(sample.resident for sample in self.samples)


def run(commands: list[list[str]], *, folder: Path, environment: Mapping[str, str]) -> Usage:
    """Run the commands side by side in a folder until all have ended; SystemExit with its last words if one fails.

    What they print goes to files beside the folder.
    """
    logs = [folder.with_name(f"{folder.name}-{number}.log") for number in range(len(commands))]
    processes = []
    for command, log in zip(commands, logs, strict=True):
        with log.open("wb") as output:
            processes.append(
                subprocess.Popen(command, cwd=folder, env=environment, stdout=output, stderr=subprocess.STDOUT)
            )
    sampler = _Sampler([psutil.Process(process.pid) for process in processes])
    sampler.start()
    codes = [process.wait() for process in processes]
    sampler.stop()
    for code, log in zip(codes, logs, strict=True):
        if code:
            raise SystemExit(f"exit code {code}: {log.read_text(encoding='utf-8', errors='replace')[-3000:]}")
    return Usage(tuple(sampler.samples))


class _Sampler(threading.Thread):
    """Samples process trees until it is stopped."""

    def __init__(self, roots: list[psutil.Process]) -> None:
        super().__init__()
        self._roots = roots
        self._stopped = threading.Event()
        self._commands: dict[int, float] = {}
        self._children: dict[int, float] = {}
        self.samples: list[Sample] = [self._sample()]

    def stop(self) -> None:
        self._stopped.set()
        self.join()

    def run(self) -> None:
        while not self._stopped.wait(SAMPLE_SECONDS):
            self.samples.append(self._sample())

    def _sample(self) -> Sample:
        resident = 0
        for root in self._roots:
            try:
                resident += _read(root, self._commands)
                resident += sum(_read(child, self._children) for child in root.children(recursive=True))
            except psutil.NoSuchProcess:
                continue
        machine = psutil.cpu_times()
        return Sample(
            at=time.time(),
            command_seconds=sum(self._commands.values()),
            child_seconds=sum(self._children.values()),
            idle_seconds=machine.idle + getattr(machine, "iowait", 0.0),
            resident=resident,
        )


def _read(process: psutil.Process, seconds: dict[int, float]) -> int:
    with process.oneshot():
        times = process.cpu_times()
        seconds[process.pid] = times.user + times.system
        return int(process.memory_info().rss)
