"""Quality flags on distorted photographs: ours and CleanVision's, on the same files."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from cleanvision import Imagelab
from PIL import Image

from benchmarks.accuracy.distortions import BASE_SIDE, DISTORTIONS, Distortion
from benchmarks.accuracy.material import Labelled
from benchmarks.accuracy.reading import read
from benchmarks.accuracy.tables import Table, percent
from image_spider.imaging.rules import FLAGS, evaluate

SMALLEST_SIDE = 640
"""Photographs whose longer side is below this are not distorted."""
CLEANVISION_ISSUES = {
    "blurry": "blurry",
    "dark": "dark",
    "light": "light",
    "low_information": "low_information",
    "grayscale": "grayscale",
}


@dataclass(slots=True)
class Tally:
    """Counts of one flag: right, missed, wrong."""

    hits: int = 0
    misses: int = 0
    false: int = 0

    def add(self, flag: str, raised: frozenset[str], distortion: Distortion) -> None:
        """Count one file; what is blurry is soft enough."""
        is_raised = flag in raised or (flag == "soft" and "blurry" in raised)
        if flag in distortion.deserves:
            self.hits += is_raised
            self.misses += not is_raised
        elif flag not in distortion.excused and not (flag == "soft" and "blurry" in distortion.deserves):
            self.false += flag in raised

    def cells(self) -> list[str]:
        """Return precision and recall in per cent."""
        return [percent(self.hits, self.hits + self.false), percent(self.hits, self.hits + self.misses)]


@dataclass(slots=True)
class Outcome:
    """All counts: by flag over all files and over the test half, and per distortion."""

    ours: dict[str, Tally] = field(default_factory=lambda: defaultdict(Tally))
    held_out: dict[str, Tally] = field(default_factory=lambda: defaultdict(Tally))
    cleanvision: dict[str, Tally] = field(default_factory=lambda: defaultdict(Tally))
    shares: list[list[str]] = field(default_factory=list)


def large_photographs(files: Sequence[Labelled]) -> list[Labelled]:
    """Choose the photographs that are large enough to be distorted."""
    chosen = []
    for file in files:
        with Image.open(file.path) as image:
            if file.kind == "photo" and max(image.size) >= SMALLEST_SIDE:
                chosen.append(file)
    return chosen


def measure_flags(files: Sequence[Labelled]) -> list[Table]:
    """Distort every photograph, ask both programs, and count."""
    photographs = large_photographs(files)
    bases = [base_image(file.path) for file in photographs]
    outcome = Outcome()
    for distortion in DISTORTIONS:
        with TemporaryDirectory() as folder:
            paths = []
            for number, base in enumerate(bases):
                path = Path(folder) / f"{number:04d}{distortion.suffix}"
                path.write_bytes(distortion.encode(base))
                paths.append(path)
            ours = [frozenset(evaluate(read(path).features).flags) for path in paths]
            theirs = cleanvision_flags(Path(folder), paths)
        _count(outcome, distortion, photographs, ours, theirs)
    return _tables(outcome, len(photographs))


def base_image(path: Path) -> Image.Image:
    """Open a photograph at 1024 px or less on the longer side."""
    with Image.open(path) as image:
        base = image.convert("RGB")
    base.thumbnail((BASE_SIDE, BASE_SIDE), Image.Resampling.LANCZOS)
    return base


def cleanvision_flags(folder: Path, paths: Sequence[Path]) -> list[frozenset[str]]:
    """Ask CleanVision, with its default thresholds, for the issues it shares with us."""
    logging.disable(logging.WARNING)
    lab = Imagelab(data_path=str(folder))
    lab.find_issues({issue: {} for issue in CLEANVISION_ISSUES.values()}, n_jobs=1, verbose=False)
    raised = []
    for path in paths:
        row = lab.issues.loc[str(path)]
        raised.append(frozenset(flag for flag, issue in CLEANVISION_ISSUES.items() if row[f"is_{issue}_issue"]))
    return raised


def _count(
    outcome: Outcome,
    distortion: Distortion,
    photographs: Sequence[Labelled],
    ours: Sequence[frozenset[str]],
    theirs: Sequence[frozenset[str]],
) -> None:
    for file, mine, other in zip(photographs, ours, theirs, strict=True):
        for flag in FLAGS:
            outcome.ours[flag].add(flag, mine, distortion)
            if file.part != "train":
                outcome.held_out[flag].add(flag, mine, distortion)
            if flag in CLEANVISION_ISSUES:
                outcome.cleanvision[flag].add(flag, other, distortion)
    row = [distortion.name]
    for flag in FLAGS:
        share = f"{100 * np.mean([flag in raised for raised in ours]):.0f}"
        if flag in CLEANVISION_ISSUES:
            share += f" / {100 * np.mean([flag in raised for raised in theirs]):.0f}"
        row.append(
            f"**{share}**" if flag in distortion.deserves else f"({share})" if flag in distortion.excused else share
        )
    outcome.shares.append(row)


def _tables(outcome: Outcome, count: int) -> list[Table]:
    rows = []
    for flag in FLAGS:
        theirs = outcome.cleanvision[flag].cells() if flag in CLEANVISION_ISSUES else ["–", "–"]
        cases = str(outcome.ours[flag].hits + outcome.ours[flag].misses)
        rows.append([flag, cases, *outcome.ours[flag].cells(), *outcome.held_out[flag].cells(), *theirs])
    head = ["flag", "faulty files", "precision", "recall", "held-out precision", "held-out recall"]
    head += ["CleanVision precision", "CleanVision recall"]
    summary = Table("flags", f"Flags, {count} photographs x {len(DISTORTIONS)} versions, per cent", head, rows)
    details = Table(
        "distortions",
        "Per cent of the photographs that get each flag (ours / CleanVision's); bold: deserved, brackets: not counted",
        ["version", *FLAGS],
        outcome.shares,
    )
    return [summary, details]
