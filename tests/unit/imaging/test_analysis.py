from __future__ import annotations

import json

from PIL import Image

from image_spider.imaging.analysis import analyse
from image_spider.imaging.content import content_kind
from image_spider.imaging.rules import evaluate
from image_spider.imaging.working_copy import make_working_copy
from tests.unit.imaging.drawings import analysed, opened, saved, scene


def test_classes_can_be_made_again_from_scores_that_were_stored_as_json():
    analysis = analysed(saved(scene(), "JPEG", quality=25))
    stored = json.loads(json.dumps(analysis.features))
    assert evaluate(stored) == analysis.verdict
    assert content_kind(stored) == analysis.content
    assert "heavily_compressed" in analysis.verdict.flags


def test_the_image_is_not_changed():
    image, facts = opened(saved(Image.new("RGBA", (60, 40), (10, 20, 30, 40))), orientation=6)
    before = image.copy()
    analysis = analyse(image, make_working_copy(image, facts), facts)
    assert (image.mode, image.size, image.tobytes()) == (before.mode, before.size, before.tobytes())
    assert (analysis.features["width"], analysis.features["height"]) == (40, 60)


def test_equal_input_gives_equal_output():
    data = saved(scene(700, 500), "WEBP")
    assert analysed(data) == analysed(data)
