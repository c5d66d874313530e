"""Fit the scorecard of content kinds on the train half and write image_spider/imaging/content_points.py.

Run as `python -m benchmarks.accuracy.fit_content --cache DIR`; the accuracy benchmark only reads the result.
"""

from __future__ import annotations

import argparse
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from sklearn.linear_model import LogisticRegression

import image_spider.imaging
from benchmarks.accuracy.distortions import jpeg, png
from benchmarks.accuracy.material import Labelled, fetch, labelled_files, without_near_duplicates
from benchmarks.accuracy.reading import read
from image_spider.imaging.content import ramp
from image_spider.imaging.content_points import KINDS
from image_spider.imaging.features import Features
from image_spider.imaging.working_copy import eight_bit, flattened

FEATURES = (
    *("longer_side", "shorter_side", "elongation", "transparent_share", "brightness_p1", "brightness_mean"),
    *("brightness_p95", "entropy", "top_tone_share", "chroma_p99", "colourfulness", "saturation_mean"),
    *("colour_density", "noise", "edge_density", "hard_edge_share", "axis_share", "ground_tone", "margin_share"),
    *("ruled_lines", "text_lines", "flat_share", "smooth_share"),
)
LOGARITHMIC = frozenset(
    {
        *("longer_side", "shorter_side", "elongation", "chroma_p99", "colourfulness", "colour_density"),
        *("noise", "edge_density", "ruled_lines", "text_lines"),
    }
)
QUANTILES = (5, 35, 65, 95)
VARIANT_WEIGHT = 0.5
INVERSE_PENALTY = 0.3
"""Between 1.0, best when files are held out, and 0.2, best when whole packages are (both within the train half)."""

Rows = list[tuple[str, float, float, bool]]


def main() -> None:
    """Fit and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cache", type=Path, required=True)
    cache = parser.parse_args().cache
    fetch(cache)
    readings = [(file, read(file.path)) for file in labelled_files(cache)]
    train = [pair for pair in without_near_duplicates(readings) if pair[0].part == "train" and pair[0].kind in KINDS]
    scores = [reading.features for _, reading in train]
    kinds = [file.kind for file, _ in train]
    weights = [1.0] * len(train)
    for number, (file, _) in enumerate(train):
        for data in _variants(file, number):
            scores.append(read(data).features)
            kinds.append(file.kind)
            weights.append(VARIANT_WEIGHT)
    table = _table(scores, kinds, weights)
    (Path(image_spider.imaging.__path__[0]) / "content_points.py").write_text(table, encoding="utf-8")


def _variants(file: Labelled, number: int) -> list[bytes]:
    """Make what the web makes of a picture: a smaller copy, and a JPEG; icons stay as they are."""
    if file.kind == "icon":
        return []
    with Image.open(file.path) as image:
        plain = eight_bit(image)
        plain.thumbnail((2600, 2600))
        small = plain.resize((max(1, plain.width * 6 // 10), max(1, plain.height * 6 // 10)), Image.Resampling.LANCZOS)
        made = [jpeg(flattened(plain)[0].convert("RGB"), 75)]
        if min(small.size) >= 100:
            made.append(jpeg(flattened(small)[0].convert("RGB"), 85) if number % 2 else png(small))
    return made


def _table(scores: list[Features], kinds: list[str], weights: list[float]) -> str:
    rows: Rows = []
    columns: list[list[float]] = []
    for feature in FEATURES:
        values = [float(one[feature] or 0.0) for one in scores]
        limits = sorted({float(f"{value:.3g}") for value in np.percentile(values, QUANTILES)})
        for low, high in pairwise(limits):
            if high - low < 1e-3:
                continue
            row = (feature, low, high, feature in LOGARITHMIC)
            rows.append(row)
            columns.append([ramp(value, low, high, logarithmic=row[3]) for value in values])
    model = LogisticRegression(C=INVERSE_PENALTY, max_iter=5000, class_weight="balanced")
    labels = [KINDS.index(kind) for kind in kinds]
    model.fit(np.array(columns).T, labels, sample_weight=weights)
    points = _points(model.coef_)
    base = _points(model.intercept_[:, None])[:, 0]
    lines = [HEADER, f"KINDS = {KINDS!r}", f"BASE_POINTS = {tuple(base.tolist())!r}", "", POINTS_LINE]
    for (feature, low, high, logarithmic), given in zip(rows, points.T, strict=True):
        lines.append(f"    ({feature!r}, {low:g}, {high:g}, {logarithmic}, {tuple(given.tolist())!r}),")
    return "\n".join([*lines, ")", ""])


def _points(coefficients: NDArray[np.float64]) -> NDArray[np.int64]:
    """Centre the kinds, so that points say what speaks for and against a kind, and round to tenths of log odds."""
    tenths = np.round((coefficients - coefficients.mean(axis=0)) * 10)
    return np.asarray(tenths, dtype=np.int64)


HEADER = '''"""The scorecard of content kinds: written by benchmarks/accuracy/fit_content.py, read by content.py.

One row: feature, low, high, whether the way between is measured in log2, and the points that each kind gets at high
and beyond (in the order of KINDS). Read a row as "the more of this, the more a photo and the less an icon".
"""

from __future__ import annotations
'''
POINTS_LINE = "POINTS: tuple[tuple[str, float, float, bool, tuple[int, ...]], ...] = ("

if __name__ == "__main__":
    main()
