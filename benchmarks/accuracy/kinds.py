"""Content kinds of real files: confusion matrix and F1 on the held-out half and on packages never seen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from benchmarks.accuracy.material import Labelled, without_near_duplicates
from benchmarks.accuracy.reading import Reading
from benchmarks.accuracy.tables import Table, percent
from image_spider.imaging.content import ALL_KINDS, content_kind

Pairs = Counter[tuple[str, str]]

PARTS = {
    "train": "train half, for comparison only",
    "test": "test half of the same packages",
    "unseen": "packages of which no file was used for calibration",
}


def measure_kinds(readings: Sequence[tuple[Labelled, Reading]]) -> list[Table]:
    """Classify every file and count by kind and by package."""
    files = [(file, content_kind(reading.features)) for file, reading in without_near_duplicates(readings)]
    tables = [_summary(files)]
    for part in ("test", "unseen"):
        tables.append(_confusion(part, Counter((file.kind, kind) for file, kind in files if file.part == part)))
    return [*tables, _packages(files)]


def f1_by_kind(pairs: Pairs) -> dict[str, float]:
    """Return F1 of every kind that occurs in truth: 2 TP / (2 TP + FP + FN)."""
    scores = {}
    for kind in ALL_KINDS:
        right = pairs[kind, kind]
        truth = sum(count for (true, _), count in pairs.items() if true == kind)
        told = sum(count for (_, said), count in pairs.items() if said == kind)
        if truth:
            scores[kind] = 2 * right / (truth + told)
    return scores


def _summary(files: Sequence[tuple[Labelled, str]]) -> Table:
    rows = []
    for part, meaning in PARTS.items():
        pairs = Counter((file.kind, kind) for file, kind in files if file.part == part)
        scores = f1_by_kind(pairs)
        right = sum(count for (true, said), count in pairs.items() if true == said)
        cells = [f"{scores[kind]:.3f}" if kind in scores else "–" for kind in ALL_KINDS]
        macro = sum(scores.values()) / len(scores)
        rows.append([meaning, str(pairs.total()), percent(right, pairs.total()), f"**{macro:.3f}**", *cells])
    return Table("kinds", "F1 by content kind", ["files", "number", "right, %", "macro F1", *ALL_KINDS], rows)


def _confusion(part: str, pairs: Pairs) -> Table:
    rows = []
    for true in ALL_KINDS:
        counts = [pairs[true, said] for said in ALL_KINDS]
        if any(counts):
            scores = f1_by_kind(pairs)
            told = sum(pairs[other, true] for other in ALL_KINDS)
            right = pairs[true, true]
            measures = [percent(right, told), percent(right, sum(counts)), f"{scores[true]:.3f}"]
            rows.append([true, *(str(count) for count in counts), *measures])
    head = ["true kind \\ told", *ALL_KINDS, "precision, %", "recall, %", "F1"]
    return Table(f"confusion-{part}", f"Confusion matrix: {PARTS[part]}", head, rows)


def _packages(files: Sequence[tuple[Labelled, str]]) -> Table:
    groups: dict[tuple[str, str, str], Counter[str]] = {}
    for file, kind in files:
        if file.part != "train":
            groups.setdefault((file.kind, file.part, file.package), Counter())[kind] += 1
    rows = []
    for (kind, part, package), told in sorted(groups.items()):
        wrong = ", ".join(f"{count} {other}" for other, count in told.most_common() if other != kind)
        rows.append([f"{package} ({part})", kind, str(told.total()), percent(told[kind], told.total()), wrong])
    return Table("packages", "Where they come from", ["package", "kind", "files", "recall, %", "mistaken for"], rows)
