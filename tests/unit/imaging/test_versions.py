"""What is stored carries a version: these tests fail when that which a version names changes without it."""

from __future__ import annotations

import hashlib
import json

import pytest

from image_spider.imaging import content, content_points, rules
from image_spider.imaging.analysis import SCORES_VERSION
from tests.unit.imaging.golden import FILE, PICTURES, measured

GOLDEN = json.loads(FILE.read_text(encoding="utf-8"))
RULES_DIGEST = (3, "5c2c16be4d2f9536")
"""RULES_VERSION, and the digest of every threshold, weight and point of it."""


def test_another_threshold_weight_or_point_is_another_version_of_the_rules():
    table = [(rule.flag, rule.case, rule.feature, rule.direction, rule.threshold) for rule in rules.RULES]
    points = (content_points.KINDS, content_points.BASE_POINTS, content_points.POINTS)
    blank = (content.BLANK_CONTRAST, content.BLANK_COLOURS)
    every = repr((table, rules.QUALITY_PARTS, points, blank))
    now = (rules.RULES_VERSION, hashlib.sha256(every.encode()).hexdigest()[:16])
    assert now == RULES_DIGEST, (
        "rules or points have changed: raise RULES_VERSION in imaging/rules.py, so that `scrapy reclassify` makes the "
        f"flags of stored images anew, and write version and digest here: {now}"
    )


@pytest.mark.parametrize("name", PICTURES)
def test_other_scores_or_hashes_are_another_version_of_the_scores(name: str):
    now, golden = measured(name), GOLDEN["pictures"][name]
    todo = (
        "scores or hashes have changed: raise SCORES_VERSION in imaging/analysis.py, so that `scrapy reclassify "
        "--rescan` measures stored images anew, and run `python -m tests.unit.imaging.golden`"
    )
    assert now["hashes"] == golden["hashes"], todo
    assert now["scores"].keys() == golden["scores"].keys(), todo
    for feature, score in golden["scores"].items():
        expected = score if score is None else pytest.approx(score, rel=1e-3, abs=1e-4)
        assert now["scores"][feature] == expected, f"{feature}: {todo}"
    assert GOLDEN["scores_version"] == SCORES_VERSION, todo
