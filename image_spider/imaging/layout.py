"""Layout: ground, margins, ruled lines and lines of text, by which pages, windows and diagrams are known."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from image_spider.imaging.edges import difference
from image_spider.imaging.working_copy import WorkingCopy

_NEAR = 12  # levels within which a pixel belongs to the ground
_RULE = 16  # levels of the step at a ruled line
_INK = 48  # levels from the ground beyond which it is ink


def measure_layout(copy: WorkingCopy) -> dict[str, float]:
    """Measure how the picture is laid out on its ground, the commonest tone.

    ground_tone: that tone, 0..1 · ground_share: pixels within 12 levels of it · ink_share: pixels beyond 48 levels ·
    margin_share: border pixels (the outer 2 %) on the ground · ruled_lines: rows and columns, per 100, in which an
    edge runs along at least 40 % of the length · text_lines: see _text_lines.
    """
    luma, counts = copy.luma, copy.histogram
    ground = int(counts.argmax())
    return {
        "ground_tone": ground / 255,
        "ground_share": float(counts[max(0, ground - _NEAR) : ground + _NEAR + 1].sum()) / luma.size,
        "ink_share": 1 - float(counts[max(0, ground - _INK) : ground + _INK + 1].sum()) / luma.size,
        "margin_share": _margin_share(luma, ground),
        "ruled_lines": _ruled_lines(luma),
        "text_lines": _text_lines(~_within(luma, ground, _INK)),
    }


def _within(luma: NDArray[np.uint8], tone: int, levels: int) -> NDArray[np.bool_]:
    """Tell which pixels lie within so many levels of a tone; below the least, 8 bits wrap round to the highest."""
    low, high = max(0, tone - levels), min(255, tone + levels)
    return luma - np.uint8(low) <= np.uint8(high - low)


def _margin_share(luma: NDArray[np.uint8], ground: int) -> float:
    depth = max(1, round(0.02 * min(luma.shape)))
    edges = (luma[:depth], luma[-depth:], luma[:, :depth], luma[:, -depth:])
    return sum(np.count_nonzero(_within(part, ground, _NEAR)) for part in edges) / sum(part.size for part in edges)


def _ruled_lines(luma: NDArray[np.uint8]) -> float:
    if min(luma.shape) < 8:
        return 0.0
    down = _row_shares(difference(luma[1:], luma[:-1]) >= _RULE)
    step = -(-luma.shape[0] // 255)  # some of the rows are enough to see a column, and 255 fit into 8 bits
    across = difference(luma[::step, 1:], luma[::step, :-1]) >= _RULE
    columns = across.view(np.uint8).sum(axis=0, dtype=np.uint8)
    lines = np.count_nonzero(down >= 0.4) + np.count_nonzero(columns >= 0.4 * across.shape[0])
    return 100.0 * lines / sum(luma.shape)


def _row_shares(mask: NDArray[np.bool_]) -> NDArray[np.float64]:
    counts: NDArray[np.uint16] = np.bitwise_count(np.packbits(mask, axis=1)).sum(axis=1, dtype=np.uint16)
    shares: NDArray[np.float64] = counts / mask.shape[1]
    return shares


def _text_lines(ink: NDArray[np.bool_]) -> float:
    """Count how often rows with ink follow rows with (almost) none, per 100 rows: lines of type, list entries."""
    share = _row_shares(ink)
    written = share > max(0.004, 0.25 * float(share.mean()))
    return 100.0 * int(np.count_nonzero(written[1:] & ~written[:-1])) / max(1, written.size)
