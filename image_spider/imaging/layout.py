"""Layout: ground, margins, ruled lines and lines of text, by which pages, windows and diagrams are known."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from image_spider.imaging.edges import difference
from image_spider.imaging.working_copy import WorkingCopy

_NEAR = 12  # levels within which a pixel belongs to the ground
_INK = 48  # levels from the ground beyond which it is ink


def measure_layout(copy: WorkingCopy) -> dict[str, float]:
    """Measure how the picture is laid out on its ground, the commonest tone.

    ground_tone: that tone, 0..1 · ground_share: pixels within 12 levels of it · ink_share: pixels beyond 48 levels ·
    margin_share: border pixels (the outer 2 %) on the ground · ruled_lines: rows and columns, per 100, in which an
    edge runs along at least 40 % of the length · text_lines: see _text_lines.
    """
    luma = copy.luma
    counts = copy.histogram
    ground = int(counts.argmax())
    low, high = max(0, ground - _NEAR), min(255, ground + _NEAR)
    distance = difference(luma, np.uint8(ground))
    ink = distance > _INK
    on_ground = distance <= _NEAR
    return {
        "ground_tone": ground / 255,
        "ground_share": float(counts[low : high + 1].sum()) / luma.size,
        "ink_share": float(ink.mean()),
        "margin_share": _margin_share(on_ground),
        "ruled_lines": _ruled_lines(luma),
        "text_lines": _text_lines(ink),
    }


def _margin_share(on_ground: NDArray[np.bool_]) -> float:
    depth = max(1, round(0.02 * min(on_ground.shape)))
    edges = (on_ground[:depth], on_ground[-depth:], on_ground[:, :depth], on_ground[:, -depth:])
    return sum(int(np.count_nonzero(part)) for part in edges) / sum(part.size for part in edges)


def _ruled_lines(luma: NDArray[np.uint8]) -> float:
    if min(luma.shape) < 8:
        return 0.0
    down = difference(luma[1:], luma[:-1]) >= 16
    across = difference(luma[:, 1:], luma[:, :-1]) >= 16
    lines = int((down.mean(axis=1) >= 0.4).sum()) + int((across.mean(axis=0) >= 0.4).sum())
    return 100.0 * lines / sum(luma.shape)


def _text_lines(ink: NDArray[np.bool_]) -> float:
    """Count how often rows with ink follow rows with (almost) none, per 100 rows: lines of type, list entries."""
    share: NDArray[np.float64] = ink.mean(axis=1)
    written = share > max(0.004, 0.25 * float(share.mean()))
    return 100.0 * int(np.count_nonzero(written[1:] & ~written[:-1])) / max(1, written.size)
