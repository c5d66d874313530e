"""What the machine of a node has, and how much of it is in use."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import psutil


@dataclass(frozen=True, slots=True, kw_only=True)
class CpuFigures:
    """Seconds since boot, of all cores, by mode; `percent` is of all cores, since the look before (0 at the first)."""

    cores: int
    percent: float
    seconds: Mapping[str, float]
    load: tuple[float, float, float]  # of the last 1, 5 and 15 minutes


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryFigures:
    """Bytes. `available` is what programs may still have without swapping."""

    total: int
    available: int
    used: int
    swap_total: int
    swap_used: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DiskFigures:
    """Bytes and inodes of the file system that holds some of the node's folders; `free` is what its user may fill."""

    folders: tuple[str, ...]
    total: int
    free: int
    inodes_free: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkFigures:
    """One interface since boot: bytes, and packets that went wrong or were dropped."""

    received_bytes: int
    sent_bytes: int
    errors: int
    dropped: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineFigures:
    """All of them at one moment. Disk traffic is of all disks since boot, None where the system does not tell."""

    boot_time: float
    cpu: CpuFigures
    memory: MemoryFigures
    disks: tuple[DiskFigures, ...]
    disk_read_bytes: int | None
    disk_written_bytes: int | None
    network: Mapping[str, NetworkFigures]


class Machine:
    """Looks at the machine. It remembers the last look, for `percent`; not for use by several threads at once."""

    def __init__(self, folders: Mapping[str, Path]) -> None:
        self._folders = folders
        self._last = (0.0, 0.0)  # seconds in all modes, and idle ones

    def look(self) -> MachineFigures:
        """Return the figures; a folder that is not there yet is left out."""
        memory, swap = psutil.virtual_memory(), psutil.swap_memory()
        disk = psutil.disk_io_counters()
        return MachineFigures(
            boot_time=psutil.boot_time(),
            cpu=self._cpu(),
            memory=MemoryFigures(
                total=memory.total,
                available=memory.available,
                used=memory.used,
                swap_total=swap.total,
                swap_used=swap.used,
            ),
            disks=_disks(self._folders),
            disk_read_bytes=disk.read_bytes if disk else None,
            disk_written_bytes=disk.write_bytes if disk else None,
            network={
                name: NetworkFigures(
                    received_bytes=counts.bytes_recv,
                    sent_bytes=counts.bytes_sent,
                    errors=counts.errin + counts.errout,
                    dropped=counts.dropin + counts.dropout,
                )
                for name, counts in sorted(psutil.net_io_counters(pernic=True).items())
            },
        )

    def _cpu(self) -> CpuFigures:
        seconds = psutil.cpu_times()._asdict()
        for part, whole in (("guest", "user"), ("guest_nice", "nice")):  # the kernel counts them twice
            seconds[whole] -= seconds.pop(part, 0.0)
        total, idle = sum(seconds.values()), seconds["idle"] + seconds.get("iowait", 0.0)
        total_before, idle_before = self._last
        passed, rested = total - total_before, idle - idle_before
        percent = 100 * min(max(1 - rested / passed, 0.0), 1.0) if total_before and passed > 0 else 0.0
        self._last = total, idle
        return CpuFigures(cores=psutil.cpu_count() or 1, percent=percent, seconds=seconds, load=psutil.getloadavg())


def _disks(folders: Mapping[str, Path]) -> tuple[DiskFigures, ...]:
    names: dict[int, list[str]] = {}
    paths: dict[int, Path] = {}
    for name, path in folders.items():
        try:
            device = path.stat().st_dev
        except FileNotFoundError:
            continue
        names.setdefault(device, []).append(name)
        paths.setdefault(device, path)
    found = []
    for device, path in paths.items():
        # Not shutil.disk_usage, which knows of no inodes.
        status = os.statvfs(path)
        found.append(
            DiskFigures(
                folders=tuple(names[device]),
                total=status.f_blocks * status.f_frsize,
                free=status.f_bavail * status.f_frsize,
                inodes_free=status.f_favail,
            )
        )
    return tuple(found)
