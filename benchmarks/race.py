"""Contestants on the same gallery, in turns.

One rule for all: a run begins with the first request for an image, as the web server saw it, and ends with the last
write to anything the run keeps: images, thumbnails, catalog or metadata. So the start of a program counts for nobody,
and what it has to write besides images counts for everybody. A catalog on a server is not seen by that rule: its last
batch, 0.2 s at most, is not counted.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from statistics import median

import psutil

from benchmarks.contestants import Contestant
from benchmarks.gallery import Gallery
from benchmarks.processes import run

DISTURBED_CORES = 0.4  # more than a web server needs for the fastest peer
EARLY = 2000  # images after which memory is first read: caches are warm by then


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run: images/s, ms of CPU per image of the commands and of their child processes, MB resident.

    idle_cores and other_cores tell what the machine did besides: cores that had nothing to do, and cores that other
    programs took, the web server and the benchmark among them.
    """

    rate: float
    command_ms: float
    child_ms: float
    idle_cores: float
    other_cores: float
    early_mb: float
    peak_mb: float

    @property
    def disturbed(self) -> bool:
        """Tell whether other programs took so much of the machine that the rate is no result."""
        return self.other_cores > DISTURBED_CORES


def measure(contestant: Contestant, gallery: Gallery, work: Path) -> Run:
    """Let a contestant take the gallery; SystemExit unless it stored every image and asked for each once.

    What it keeps is left in `work / "results"`.
    """
    folder = work / "results"
    folder.mkdir()
    commands = contestant.commands(gallery, folder)
    gallery.server.forget()
    usage = run(commands, folder=folder, environment=contestant.environment())
    requested, stored = gallery.requested(), contestant.stored(folder)
    if not stored == len(requested) == gallery.images:
        raise SystemExit(
            f"{contestant.name}: {stored} images stored of {gallery.images}, {len(requested)} requests for them"
        )
    used = usage.since(requested[0])
    busy = used.command_seconds + used.child_seconds + used.idle_seconds
    early = usage.at(requested[min(EARLY, gallery.images // 2)])
    return Run(
        rate=gallery.images / (_last_write(folder) - requested[0]),
        command_ms=1000 * used.command_seconds / gallery.images,
        child_ms=1000 * used.child_seconds / gallery.images,
        idle_cores=used.idle_seconds / used.at,
        other_cores=max(0.0, (psutil.cpu_count() or 1) - busy / used.at),
        early_mb=early.resident / 1e6,
        peak_mb=usage.peak / 1e6,
    )


def race(contestants: Sequence[Contestant], gallery: Gallery, *, repeat: int) -> dict[str, Run]:
    """Return the medians of each contestant by name; every other round goes in the opposite order."""
    runs: dict[str, list[Run]] = {contestant.name: [] for contestant in contestants}
    for contestant in _order(contestants, repeat):
        with tempfile.TemporaryDirectory(prefix="benchmark-") as work:
            runs[contestant.name].append(measure(contestant, gallery, Path(work)))
    return {name: middle(of_one) for name, of_one in runs.items()}


def middle(runs: Sequence[Run]) -> Run:
    """Return the median of each figure."""
    return Run(**{figure.name: median(getattr(run, figure.name) for run in runs) for figure in fields(Run)})


def _order(contestants: Sequence[Contestant], repeat: int) -> Iterator[Contestant]:
    for number in range(repeat):
        yield from reversed(contestants) if number % 2 else contestants


def _last_write(folder: Path) -> float:
    return max(path.stat().st_mtime for path in folder.rglob("*") if path.is_file())
