"""Traces in the file's own pixels, which resampling would destroy: flat areas, lost detail, blocks of a codec."""

from __future__ import annotations

import math
from functools import cache

import numpy as np
from numpy.typing import NDArray

from image_spider.imaging.edges import DIRECTIONS, SPAN, at_least, difference, edge_steepness
from image_spider.imaging.working_copy import WorkingCopy

_SHORTEST = 64  # pixels; in a smaller window neither a spectrum nor a grid can be judged
_STEP = 8  # every eighth row and column is enough for both


def measure_pixels(copy: WorkingCopy) -> dict[str, float | None]:
    """Measure the central window of decoded pixels.

    flat_share: pixels equal to their right and lower neighbours · smooth_share: those that differ by 1 to 3 levels,
    as in gradients and photographs · detail_drop, window_steepness, blockiness: see below; None where the window is
    below 64 px, and blockiness also where the decoded pixels are not the file's own.
    """
    luma = at_least(copy.window_luma, SPAN + 2)
    across = difference(luma[:-1:2, 1:], luma[:-1:2, :-1])
    down = difference(luma[1::2, :-1], luma[:-1:2, :-1])
    larger = np.maximum(across, down)
    flat = np.count_nonzero(larger == 0) / larger.size
    scores: dict[str, float | None] = {
        "flat_share": flat,
        "smooth_share": np.count_nonzero(larger <= 3) / larger.size - flat,
        "detail_drop": None,
        "window_steepness": None,
        "blockiness": None,
    }
    if min(copy.window_luma.shape) < _SHORTEST:
        return scores
    turned = np.ascontiguousarray(luma[:, ::_STEP].T)
    scores["detail_drop"] = max(detail_drop(luma[::_STEP]), detail_drop(turned))
    scores["window_steepness"] = max(edge_steepness(luma, direction, _STEP) for direction in DIRECTIONS[:2])
    if copy.native:
        scores["blockiness"] = min(blockiness(luma[::_STEP]), blockiness(turned))
    return scores


def detail_drop(luma: NDArray[np.uint8]) -> float:
    """Find a cliff in the power spectrum along rows, as decades below the 1 / f^2 that natural pictures follow.

    Enlarging by k leaves nothing above 1 / k of the Nyquist frequency. Mean power is compared between 0.55-0.90 and
    0.20-0.45 of it (k = 2), and between 0.35-0.60 and 0.10-0.20 (k = 3 and more); the deeper of the two drops is
    told (Field 1987 for 1 / f^2). 0 is an ordinary picture, below -0.75 an enlarged or evenly blurred one.
    """
    values = luma.astype(np.float32)
    values -= values.mean(axis=1, keepdims=True)
    values *= _hann(values.shape[1])
    spectrum = np.fft.rfft(values, axis=1)
    sums = (spectrum.real**2 + spectrum.imag**2).mean(axis=0).cumsum(dtype=np.float64).tolist()
    if sums[-1] < 1.0:
        return 0.0

    def excess(high: tuple[float, float], low: tuple[float, float]) -> float:
        return math.log10(_band(sums, *high) / _band(sums, *low)) + 2 * math.log10(sum(high) / sum(low))

    return min(excess((0.55, 0.90), (0.20, 0.45)), excess((0.35, 0.60), (0.10, 0.20)))


@cache
def _hann(length: int) -> NDArray[np.float32]:
    return np.hanning(length).astype(np.float32)


def _band(sums: list[float], low: float, high: float) -> float:
    """Return the mean power between two shares of the Nyquist frequency, from sums of the power up to each."""
    last = len(sums) - 1
    first, final = int(low * last), int(high * last)
    return (sums[final] - sums[first - 1]) / (final - first + 1) + 1e-3


def blockiness(luma: NDArray[np.uint8]) -> float:
    """Compare the steps on the busiest of 8 column phases with the median phase: 1 no grid, 1.5 plain JPEG blocks.

    After Wang, Bovik and Evans 2000. Any offset of the grid is found; steps of 64 and more are contours, not blocks.
    """
    steps = np.minimum(difference(luma[:, 1:], luma[:, :-1]), 64)
    columns = steps.mean(axis=0, dtype=np.float32)
    usable = columns[: columns.size // 8 * 8].reshape(-1, 8)
    phases = np.sort(usable.mean(axis=0))
    return float(phases[-1] + 0.05) / float(phases[3:5].mean() + 0.05)
