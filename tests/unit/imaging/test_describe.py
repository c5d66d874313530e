"""One decode gives a description, its understanding and the input of a label model."""

from __future__ import annotations

import hashlib

import pytest

from image_spider.imaging.describe import describe
from image_spider.imaging.rules import RULES_VERSION
from tests.unit.imaging.drawings import analysed, saved, scene
from tests.unit.imaging.imaging_samples import FORMATS, sample

LIMIT = 64_000_000


@pytest.mark.parametrize("name", FORMATS)
def test_a_good_file_of_every_format_is_understood(name: str):
    description = describe(sample(name), max_pixels=LIMIT)
    assert description.understanding
    assert description.understanding.rules_version == RULES_VERSION
    assert description.sha256 == hashlib.sha256(sample(name)).hexdigest()


def test_what_is_understood_is_the_analysis_of_the_picture():
    data = saved(scene(900, 600), "JPEG", quality=20)
    understanding = describe(data, max_pixels=LIMIT).understanding
    analysis = analysed(data)
    assert understanding
    assert (understanding.scores, understanding.content) == (analysis.features, analysis.content)
    assert (understanding.quality, understanding.flags) == (analysis.verdict.quality, analysis.verdict.flags)
    assert (understanding.pixel_hash, understanding.phash_256) == (
        analysis.hashes.pixel_hash,
        analysis.hashes.phash_256,
    )
    assert "heavily_compressed" in understanding.flags


def test_a_drawing_in_markup_and_a_broken_file_are_not_understood():
    svg = b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>'
    for data, integrity in ((svg, "ok"), (saved(scene(), "JPEG")[:3000], "truncated")):
        description = describe(data, max_pixels=LIMIT, label_side=32)
        assert (description.integrity, description.understanding, description.label_input) == (integrity, None, None)


def test_the_input_of_a_label_model_is_made_only_when_asked_for():
    data = saved(scene(), "PNG")
    asked = describe(data, max_pixels=LIMIT, label_side=64).label_input
    assert asked is not None
    assert asked.shape == (64, 64, 3)
    assert describe(data, max_pixels=LIMIT).label_input is None
