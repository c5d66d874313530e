"""Which process is meant: its number alone does not say, for numbers are used again."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import psutil

BOOT = Path("/proc/sys/kernel/random/boot_id")  # Linux; another system tells boots apart by the start times alone
SAME_START_SECONDS = 0.1  # Linux counts starts in 0.01 s


@dataclass(frozen=True, slots=True)
class ProcessId:
    """A process that is not taken for a later one of the same number.

    `started` is in seconds since the boot `boot`. Since 1970 would not do: the kernel tells starts since the boot, and
    what is added to that moves whenever the clock is set.
    """

    pid: int
    started: float
    boot: str

    @classmethod
    def of(cls, pid: int) -> ProcessId:
        """Return it for a process that runs; raise psutil.NoSuchProcess."""
        return cls(pid, _started(pid), _boot())

    def find(self) -> psutil.Process | None:
        """Return the process; None when it has ended and was waited for, even if another one has its number."""
        if self.boot != _boot():
            return None
        try:
            process = psutil.Process(self.pid)
            return process if abs(_started(self.pid) - self.started) <= SAME_START_SECONDS else None
        except psutil.NoSuchProcess:
            return None

    def age_seconds(self) -> float:
        """Return how long ago it started."""
        return max(time.time() - psutil.boot_time() - self.started, 0.0)


def _started(pid: int) -> float:
    while True:
        boot = psutil.boot_time()
        started = psutil.Process(pid).create_time()
        if psutil.boot_time() == boot:  # else the clock was set in between
            return started - boot


def _boot() -> str:
    try:
        return BOOT.read_text(encoding="ascii").strip()
    except FileNotFoundError:
        return ""
