"""The rule table: which raw scores make which quality flag, and the parts of the quality score.

A changed threshold is a new RULES_VERSION; `scrapy reclassify` then makes the flags anew from stored scores.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

RULES_VERSION = 3
"""Version of every threshold here and of the points in content_points.py, stored with each image."""

Scores = Mapping[str, float | None]


@dataclass(frozen=True, slots=True)
class Rule:
    """One condition: feature below or above a threshold. A flag is set when all rules of one of its cases hold.

    A feature that was not measured (None) fulfils no rule.
    """

    flag: str
    case: str
    feature: str
    direction: Literal["below", "above"]
    threshold: float
    unit: str
    source: str

    def holds(self, scores: Scores) -> bool:
        """Tell whether the condition is fulfilled."""
        value = scores.get(self.feature)
        if value is None:
            return False
        return value < self.threshold if self.direction == "below" else value > self.threshold


_TRAIN = "calibrated on the train half of the distorted photographs, docs/accuracy.md"
_SMALL = "smaller pictures have no room for wide edges"

_WITHIN = "share of an edge within 1 px"

RULES = (
    Rule("blurry", "every way", "steepness", "below", 0.455, _WITHIN, _TRAIN),
    Rule("blurry", "every way", "longer_side", "above", 127, "px", _SMALL),
    Rule("blurry", "one way", "steepness", "below", 0.495, _WITHIN, _TRAIN),
    Rule("blurry", "one way", "steepness_ratio", "below", 0.86, "of the sharpest direction", _TRAIN),
    Rule("blurry", "one way", "longer_side", "above", 127, "px", _SMALL),
    Rule("soft", "every way", "steepness", "below", 0.495, _WITHIN, _TRAIN),
    Rule("soft", "every way", "longer_side", "above", 127, "px", _SMALL),
    Rule("dark", "highlights", "brightness_p95", "below", 0.28, "of white", _TRAIN),
    Rule("light", "shadows", "brightness_p5", "above", 0.74, "of white", _TRAIN),
    Rule(
        "light", "shadows", "top_tone_share", "below", 0.25, "of pixels", "white paper and white grounds are no faults"
    ),
    Rule("low_information", "flat", "contrast", "below", 0.015, "of white", "under 4 levels of 255"),
    Rule("low_information", "empty", "ground_share", "above", 0.99, "of pixels", "next to nothing on the ground"),
    Rule("low_information", "empty", "entropy", "below", 0.5, "bit", "next to nothing on the ground"),
    Rule("grayscale", "chroma", "chroma_p99", "below", 5, "of 255", "what JPEG and scanners leave on gray"),
    Rule("upscaled", "cliff", "detail_drop", "below", -0.73, "decades of power", _TRAIN),
    Rule("upscaled", "cliff", "window_steepness", "below", 0.57, _WITHIN, _TRAIN),
    Rule("upscaled", "cliff", "longer_side", "above", 255, "px", "nobody enlarges to less"),
    Rule("heavily_compressed", "tables", "jpeg_quality", "below", 35, "libjpeg quality", "half of the usual 70 and up"),
    Rule("heavily_compressed", "blocks", "blockiness", "above", 1.65, "of the median step", _TRAIN),
    Rule(
        "heavily_compressed", "blocks", "contrast", "above", 0.06, "of white", "faint pictures show steps of rounding"
    ),
)
FLAGS = tuple(dict.fromkeys(rule.flag for rule in RULES))


@dataclass(frozen=True, slots=True)
class QualityPart:
    """One factor of the quality score: 0 at `worst`, 1 at `best`, linear between, raised to the weight."""

    feature: str
    worst: float
    best: float
    weight: float

    def value(self, scores: Scores) -> float:
        """Return the part, 0.05..1; 1 where the feature was not measured."""
        score = scores.get(self.feature)
        if score is None:
            return 1.0
        return min(1.0, max(0.05, (score - self.worst) / (self.best - self.worst)))


QUALITY_PARTS = (
    QualityPart("steepness", 0.37, 0.57, 0.30),
    QualityPart("brightness_p95", 0.10, 0.55, 0.15),
    QualityPart("brightness_p5", 0.95, 0.55, 0.10),
    QualityPart("entropy", 0.5, 5.0, 0.15),
    QualityPart("shorter_side", 32, 640, 0.15),
    QualityPart("jpeg_quality", 10, 70, 0.10),
    QualityPart("noise", 15, 3, 0.05),
)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the rules say of one image: flags in the table's order, quality 0..1, the version of the rules."""

    flags: tuple[str, ...]
    quality: float
    rules_version: int = RULES_VERSION


def evaluate(scores: Scores) -> Verdict:
    """Apply the rule table to the raw scores of one image.

    quality is the product of the parts, each raised to its weight (a weighted geometric mean, the weights summing to
    1), so that one very bad part cannot be bought off by the others. What is blurry is not called soft as well;
    sharpness and detail of a picture of low information are not judged.
    """
    cases: dict[tuple[str, str], bool] = {}
    for rule in RULES:
        key = (rule.flag, rule.case)
        cases[key] = cases.get(key, True) and rule.holds(scores)
    raised = {flag for (flag, _), held in cases.items() if held}
    if "blurry" in raised:
        raised.discard("soft")
    if "low_information" in raised:
        raised -= {"blurry", "soft", "upscaled"}
    quality = 1.0
    for part in QUALITY_PARTS:
        quality *= part.value(scores) ** part.weight
    return Verdict(tuple(flag for flag in FLAGS if flag in raised), round(quality, 4))
