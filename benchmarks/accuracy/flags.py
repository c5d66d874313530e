"""Quality flags on distorted photographs: ours and CleanVision's, on the same files."""

from __future__ import annotations

import io
from collections import defaultdict
from collections.abc import Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from cleanvision import Imagelab
from PIL import Image

from benchmarks.accuracy.distortions import BASE_SIDE, DISTORTIONS, SIDES, Distortion, blurred_in_proportion, jpeg
from benchmarks.accuracy.material import Labelled, evenly
from benchmarks.accuracy.reading import read
from benchmarks.accuracy.tables import Table, percent
from image_spider.imaging.rules import FLAGS, evaluate

SMALLEST_SIDE = 640
"""Photographs whose longer side is below this are not distorted."""
PHOTOGRAPHS_AT_ALL_SIDES = 40
GRAY_LEVELS = 2
"""A photograph whose channels differ nowhere by more than this is gray before anything is done to it."""
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

    def add(self, flag: str, raised: frozenset[str], distortion: Distortion, *, gray: bool) -> None:
        """Count one file; what is blurry is soft enough, and every version of a gray photograph deserves grayscale."""
        is_raised = flag in raised or (flag == "soft" and "blurry" in raised)
        if flag in distortion.deserves or (gray and flag == "grayscale"):
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
    return [file for file in files if file.kind == "photo" and _longer_side(file.path) >= SMALLEST_SIDE]


def measure_flags(files: Sequence[Labelled]) -> list[Table]:
    """Distort every photograph, ask both programs, and count."""
    photographs = large_photographs(files)
    bases = [base_image(file.path) for file in photographs]
    grays = [bool(np.ptp(np.asarray(base), axis=2).max() <= GRAY_LEVELS) for base in bases]
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
        _count(outcome, distortion, list(zip(photographs, grays, ours, theirs, strict=True)))
    return [*_tables(outcome, len(photographs)), measure_sizes(photographs)]


def measure_sizes(photographs: Sequence[Labelled]) -> Table:
    """Blur the same photographs, in proportion to the picture, at every size: the flags should not depend on it."""
    chosen = [file.path for file in photographs if _longer_side(file.path) >= max(SIDES)]
    chosen = evenly(chosen, PHOTOGRAPHS_AT_ALL_SIDES)
    raised: dict[int, dict[str, list[tuple[str, ...]]]] = {side: defaultdict(list) for side in SIDES}
    for path in chosen:
        largest = base_image(path, max(SIDES))
        for side, flags in raised.items():
            base = largest.copy()
            base.thumbnail((side, side), Image.Resampling.LANCZOS)
            for name, image in blurred_in_proportion(base).items():
                flags[name].append(evaluate(read(jpeg(image)).features).flags)
    rows = []
    for side, flags in raised.items():
        shares = [[sum(flag in one for one in every) for flag in ("blurry", "soft")] for every in flags.values()]
        rows.append([str(side), *(" / ".join(f"{100 * share / len(chosen):.0f}" for share in pair) for pair in shares)])
    title = f"The same {len(chosen)} photographs at several sizes, blurred in proportion: per cent blurry / soft"
    return Table("sizes", title, ["longer side, px", *raised[BASE_SIDE]], rows)


def base_image(path: Path, side: int = BASE_SIDE) -> Image.Image:
    """Open a photograph at 1024 px, or another side, or less on the longer side."""
    with Image.open(path) as image:
        base = image.convert("RGB")
    base.thumbnail((side, side), Image.Resampling.LANCZOS)
    return base


def _longer_side(path: Path) -> int:
    with Image.open(path) as image:
        return max(image.size)


def cleanvision_flags(folder: Path, paths: Sequence[Path]) -> list[frozenset[str]]:
    """Ask CleanVision, with its default thresholds, for the issues it shares with us."""
    silence = io.StringIO()  # of its progress bars
    with redirect_stdout(silence), redirect_stderr(silence):
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
    judged: Sequence[tuple[Labelled, bool, frozenset[str], frozenset[str]]],
) -> None:
    for file, gray, mine, other in judged:
        for flag in FLAGS:
            outcome.ours[flag].add(flag, mine, distortion, gray=gray)
            if file.part != "train":
                outcome.held_out[flag].add(flag, mine, distortion, gray=gray)
            if flag in CLEANVISION_ISSUES:
                outcome.cleanvision[flag].add(flag, other, distortion, gray=gray)
    row = [distortion.name]
    for flag in FLAGS:
        share = f"{100 * np.mean([flag in mine for _, _, mine, _ in judged]):.0f}"
        if flag in CLEANVISION_ISSUES:
            share += f" / {100 * np.mean([flag in other for _, _, _, other in judged]):.0f}"
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
