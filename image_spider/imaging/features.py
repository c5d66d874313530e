"""Features: every raw score of one image, as the catalog keeps it; classes are made of them later, by rules."""

from __future__ import annotations

import math

from image_spider.imaging.compression import measure_compression
from image_spider.imaging.edges import measure_edges
from image_spider.imaging.facts import FileFacts
from image_spider.imaging.layout import measure_layout
from image_spider.imaging.pixels import measure_pixels
from image_spider.imaging.tones import measure_tones
from image_spider.imaging.working_copy import WorkingCopy

Features = dict[str, float | None]
"""Feature name -> raw score; None where it cannot be measured on this image."""


def measure_features(copy: WorkingCopy, facts: FileFacts) -> Features:
    """Measure every feature of one image; each is defined in the module that measures it."""
    width, height = (facts.height, facts.width) if facts.turned else (facts.width, facts.height)
    scores: Features = {
        "width": float(width),
        "height": float(height),
        "shorter_side": float(min(width, height)),
        "longer_side": float(max(width, height)),
        "aspect": width / max(1, height),
        "elongation": max(width, height) / max(1, min(width, height)),
        "transparent_share": copy.transparent_share,
        **measure_tones(copy),
        **measure_edges(copy),
        **measure_layout(copy),
        **measure_pixels(copy),
        **measure_compression(facts),
    }
    return {name: _finite(score) for name, score in scores.items()}


def _finite(score: float | None) -> float | None:
    """Return a plain number; None for NaN and infinity, which JSON does not have."""
    return None if score is None or not math.isfinite(score) else float(score)
