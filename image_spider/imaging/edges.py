"""Edges of the working copy: sharpness, noise, and where strong edges lie."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from image_spider.imaging.working_copy import WorkingCopy

USUAL_SIDE = 512
"""Longer side, in pixels, of the working copies on which the thresholds of steepness were calibrated."""
SPAN = 3
"""Pixels over which the steepness of an edge is judged."""
DIRECTIONS = ((0, 1), (1, 0), (1, 1), (1, -1))
"""(rows, columns) to the next pixel: across, down and both diagonals."""
STRONG_EDGE = 32
"""A difference of neighbouring luma values that the eye takes for an edge, of 255."""
_BLOCK = 16
_Value = TypeVar("_Value", bound=np.generic)
_STEP = 4  # every fourth row is enough for edges
_SPARSE = 4  # and for second differences
_PLENTY = 8192  # pixels; of more, every fourth tells how large the strongest differences are
_PER_SCALE = 0.06
_LEAST_SIDE = 317  # px; what the working copy of a larger picture has at least
_CLEAR = 6  # a difference over SPAN pixels below this is noise, not an edge


def measure_edges(copy: WorkingCopy) -> dict[str, float]:
    """Measure the whole picture on its working copy; every third or fourth row speaks for all.

    sharpness: variance of the 4-neighbour Laplacian (Pech-Pacheco et al. 2000) · noise: see noise_sigma ·
    steepness: the least of edge_steepness in four directions, so that motion in one direction counts,
    at_usual_scale ·
    steepness_ratio: that over the greatest, low where the picture is blurred one way only ·
    edge_density: share of pixels whose step to the right or down is 32 of 255 or more · hard_edge_share: those of
    96 or more among them · axis_share: those that are steps in one direction only, as in windows, tables and type.
    """
    luma = at_least(copy.luma, SPAN + 2)
    steepness = [edge_steepness(luma, direction, _STEP) for direction in DIRECTIONS]
    least, greatest = min(steepness), max(steepness)
    return {
        **_second_differences(luma),
        "steepness": at_usual_scale(least, max(copy.luma.shape)),
        "steepness_ratio": least / greatest,
        **_directions(luma),
    }


def at_usual_scale(steepness: float, side: int) -> float:
    """Return what the steepness would be on a working copy of 512 px, were the picture blurred in proportion.

    side is the longer one of the working copy it was measured on, in pixels. The same blur, in proportion, is fewer
    pixels on a smaller copy: edges that took 1.5 px at 512 px take 0.9 px at 317 px and are steeper by about 0.036. The
    difference grows with 512 / side; its factor was fitted to photographs blurred by 3 of 1024 px (docs/accuracy.md).
    Pictures of fewer than 317 px are corrected like those of 317 px, for their own pixels bound their sharpness.
    """
    return steepness + _PER_SCALE * (1 - USUAL_SIDE / max(side, _LEAST_SIDE))


def at_least(values: NDArray[_Value], side: int) -> NDArray[_Value]:
    """Repeat the last row and column until both sides have the given length."""
    missing = [(0, max(0, side - length)) for length in values.shape]
    return np.pad(values, missing, mode="edge") if any(after for _, after in missing) else values


def difference(first: NDArray[np.uint8], second: NDArray[np.uint8] | np.uint8) -> NDArray[np.uint8]:
    """Return |first - second| without leaving 8 bits, which halves the time of everything built on it."""
    return np.maximum(first, second) - np.minimum(first, second)


def _second_differences(luma: NDArray[np.uint8]) -> dict[str, float]:
    rows = [luma[index : luma.shape[0] - 2 + index : _SPARSE].astype(np.int16) for index in range(3)]
    centre, beside = rows[1], rows[0] + rows[2]
    laplacian = (beside[:, 1:-1] + centre[:, :-2] + centre[:, 2:] - 4 * centre[:, 1:-1]).astype(np.float32).ravel()
    laplacian -= laplacian.mean()
    second = beside - 2 * centre
    mixed = np.abs(second[:, :-2] + second[:, 2:] - 2 * second[:, 1:-1])
    return {"sharpness": float(np.einsum("i,i", laplacian, laplacian)) / laplacian.size, "noise": noise_sigma(mixed)}


def noise_sigma(mixed: NDArray[np.int16]) -> float:
    """Estimate the standard deviation of noise, in luma levels, from the calmest quarter of the 16 px blocks.

    Immerkaer 1996: the mean of |second difference in both directions| x sqrt(pi / 2) / 6. mixed holds these, of every
    fourth row.
    """
    height, width = mixed.shape
    depth = _BLOCK // _SPARSE
    rows, columns = height // depth, width // _BLOCK
    if rows and columns:
        stripes = mixed[: rows * depth, : columns * _BLOCK].reshape(rows, depth, columns * _BLOCK).sum(1, np.int16)
        blocks = np.sort(stripes.reshape(rows * columns, _BLOCK).sum(1, np.int32)) / (_BLOCK * depth)
    else:
        blocks = mixed.mean(keepdims=True).ravel()
    return float(blocks[: max(1, blocks.size // 4)].mean()) * float(np.sqrt(np.pi / 2)) / 6


def edge_steepness(luma: NDArray[np.uint8], direction: tuple[int, int], step: int) -> float:
    """Tell how much of an edge happens within one pixel: 1 a perfect step, 1 / 3 a ramp, that is, blurred.

    Over the strongest 3 % of the differences across 3 pixels in the direction (rows, columns): the largest one-pixel
    step inside, summed, over the differences, summed. Only every step-th row is looked at. Own measure, in the spirit
    of edge width (Marziliano et al. 2002); unlike the Laplacian's variance it does not depend on contrast or on how
    much of the picture is in focus, and noise moves it little. A picture without edges cannot be judged: 1.
    """
    rows, columns = direction
    height, width = luma.shape
    left, across = max(0, -SPAN * columns), width - SPAN * abs(columns)
    below = luma[SPAN * rows :: step, left + SPAN * columns : left + SPAN * columns + across]
    spans = difference(luma[: height - SPAN * rows : step, left : left + across], below).ravel()
    sample = spans[:: 4 if spans.size > _PLENTY else 1]
    limit = int(np.bincount(sample, minlength=256).cumsum().searchsorted(0.97 * sample.size))
    strong = np.flatnonzero(spans >= max(limit, _CLEAR))
    if strong.size == 0:
        return 1.0
    first = strong + left + strong // across * (step * width - across)  # the same pixels in the flat picture
    values = luma.ravel().take([first + index * (rows * width + columns) for index in range(SPAN + 1)]).astype(np.int16)
    largest = np.abs(values[1:] - values[:-1]).max(axis=0)
    return int(largest.sum()) / int(spans[strong].sum(dtype=np.int64))


def _directions(luma: NDArray[np.uint8]) -> dict[str, float]:
    across = difference(luma[:-1:3, 1:], luma[:-1:3, :-1])
    down = difference(luma[1::3, :-1], luma[:-1:3, :-1])
    larger, smaller = np.maximum(across, down), np.minimum(across, down)
    edge = larger >= STRONG_EDGE
    strong = int(np.count_nonzero(edge))
    return {
        "edge_density": strong / edge.size,
        "hard_edge_share": int(np.count_nonzero(larger >= 3 * STRONG_EDGE)) / max(1, strong),
        "axis_share": int(np.count_nonzero(edge & (smaller <= larger >> 3))) / max(1, strong),
    }
