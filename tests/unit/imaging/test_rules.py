from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from image_spider.imaging.features import Features
from image_spider.imaging.rules import FLAGS, QUALITY_PARTS, RULES, RULES_VERSION, Rule, evaluate
from tests.unit.imaging.drawings import blurred, measured, opened, saved, scene


def judged(image: Image.Image, form: str = "PNG", **options: object) -> tuple[str, ...]:
    return evaluate(measured(saved(image, form, **options))).flags


def test_a_sharp_well_lit_picture_has_no_flag_and_good_quality():
    verdict = evaluate(measured(saved(scene())))
    assert verdict.flags == ()
    assert verdict.quality > 0.8
    assert verdict.rules_version == RULES_VERSION


@pytest.mark.parametrize("sigma", [3, 4, 6])
def test_a_blurred_picture_is_blurry_not_soft(sigma):
    flags = judged(blurred(scene(), sigma))
    assert "blurry" in flags
    assert "soft" not in flags


def test_a_little_blur_is_soft():
    assert "soft" in judged(blurred(scene(1024, 768), 1.7))


def test_noise_does_not_hide_blur():
    values = np.asarray(blurred(scene(), 4)) + np.random.default_rng(3).normal(0, 6, (600, 800, 3))
    assert "blurry" in judged(Image.fromarray(np.clip(values, 0, 255).astype(np.uint8)))


def test_a_dim_picture_is_dark_and_a_washed_out_one_light():
    image = scene()
    assert judged(image.point([value // 5 for value in range(256)] * 3)) == ("dark",)
    assert judged(image.point([204 + value // 5 for value in range(256)] * 3)) == ("light",)


def test_a_page_on_white_paper_is_not_too_light():
    page = Image.new("L", (600, 800), 255)
    page.paste(0, (100, 100, 500, 108))
    assert "light" not in judged(page)


def test_a_gray_picture_is_grayscale_in_every_mode():
    gray = scene().convert("L")
    assert judged(gray) == judged(gray.convert("RGB"), "JPEG") == ("grayscale",)
    assert "grayscale" not in judged(scene())


def test_one_colour_has_low_information_and_is_not_called_blurry():
    assert judged(Image.new("RGB", (400, 300), (20, 90, 200))) == ("low_information",)


def test_an_enlarged_picture_is_upscaled():
    image = scene(800, 600)
    for factor in (2, 3, 4):
        small = image.resize((800 // factor, 600 // factor), Image.Resampling.LANCZOS)
        assert "upscaled" in judged(small.resize((800, 600), Image.Resampling.BICUBIC)), factor


def test_strong_compression_is_told_from_the_tables_or_from_the_blocks():
    image = scene(512, 400)
    squeezed, _ = opened(saved(image, "JPEG", quality=12))
    assert "heavily_compressed" in judged(image, "JPEG", quality=25)
    assert "heavily_compressed" in judged(squeezed)
    assert "heavily_compressed" not in judged(image, "JPEG", quality=75)


def test_what_was_not_measured_fulfils_no_rule():
    rule = Rule("blurry", "case", "steepness", "below", 1.0, "", "")
    assert not rule.holds({"steepness": None})
    assert not rule.holds({})
    assert evaluate({}).flags == ()


def test_a_flag_needs_all_rules_of_one_case():
    sharp: Features = measured(saved(scene()))
    assert "blurry" in evaluate(sharp | {"steepness": 0.40}).flags
    assert "blurry" not in evaluate(sharp | {"steepness": 0.40, "longer_side": 64.0}).flags
    assert "blurry" in evaluate(sharp | {"steepness": 0.47, "steepness_ratio": 0.7}).flags


def test_every_rule_reads_a_feature_that_is_measured_and_says_where_its_threshold_comes_from():
    names = measured(saved(scene())).keys()
    for rule in RULES:
        assert rule.feature in names
        assert rule.source
        assert rule.unit
    assert {part.feature for part in QUALITY_PARTS} <= names
    assert FLAGS == (
        "blurry",
        "soft",
        "dark",
        "light",
        "low_information",
        "grayscale",
        "upscaled",
        "heavily_compressed",
    )


def test_quality_is_a_weighted_geometric_mean_that_falls_with_every_fault():
    assert sum(part.weight for part in QUALITY_PARTS) == pytest.approx(1)
    image = scene()
    good = evaluate(measured(saved(image))).quality
    faults = {
        "blur": saved(blurred(image, 4)),
        "darkness": saved(image.point([value // 6 for value in range(256)] * 3)),
        "size": saved(image.resize((64, 48))),
        "compression": saved(image, "JPEG", quality=12),
    }
    for fault, data in faults.items():
        assert 0 < evaluate(measured(data)).quality < good - 0.05, fault
