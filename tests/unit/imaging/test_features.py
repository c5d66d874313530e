from __future__ import annotations

import math

import numpy as np
import pytest
from PIL import Image, ImageDraw

from image_spider.imaging.compression import jpeg_quality
from tests.unit.imaging.drawings import blurred, measured, opened, saved, scene


def test_every_feature_is_a_finite_number_or_none_whatever_the_size():
    for size in [(1, 1), (2, 3), (1, 900), (900, 1), (17, 5), (64, 64), (700, 40)]:
        for mode in ("L", "RGB", "RGBA", "1"):
            scores = measured(saved(Image.new(mode, size)))
            assert all(value is None or math.isfinite(value) for value in scores.values()), (size, mode)


def test_the_same_features_are_named_for_every_image():
    assert measured(saved(Image.new("1", (1, 1)))).keys() == measured(saved(scene(), "JPEG")).keys()


def test_blur_lowers_sharpness_and_steepness():
    image = scene()
    steepness = [measured(saved(blurred(image, sigma)))["steepness"] for sigma in (0, 1, 2, 4)]
    sharpness = [measured(saved(blurred(image, sigma)))["sharpness"] for sigma in (0, 1, 2, 4)]
    assert steepness == sorted(steepness, reverse=True)
    assert sharpness == sorted(sharpness, reverse=True)


def test_steepness_does_not_depend_on_contrast():
    image = scene()
    faint = image.point([round(100 + value * 0.2) for value in range(256)] * 3)
    assert measured(saved(faint))["steepness"] == pytest.approx(measured(saved(image))["steepness"], abs=0.06)


def test_motion_in_one_direction_lowers_steepness():
    values = np.asarray(scene(), dtype=np.float32)
    moved = sum(np.roll(values, shift, axis=1) for shift in range(16)) / 16
    assert measured(saved(Image.fromarray(moved.astype(np.uint8))))["steepness"] < 0.45


def test_noise_is_told_in_luma_levels():
    flat = np.full((300, 400), 128.0) + np.random.default_rng(1).normal(0, 8, (300, 400))
    assert measured(saved(Image.fromarray(flat.astype(np.uint8))))["noise"] == pytest.approx(8, rel=0.2)


def test_brightness_is_told_in_percentiles():
    halves = Image.new("L", (100, 100), 51)
    halves.paste(204, (0, 0, 100, 40))
    scores = measured(saved(halves))
    assert scores["brightness_p1"] == scores["brightness_p50"] == pytest.approx(0.2)
    assert scores["brightness_p95"] == scores["brightness_p99"] == pytest.approx(0.8)
    assert scores["entropy"] == pytest.approx(0.971, abs=0.001)


def test_gray_pictures_have_no_colour():
    scores = measured(saved(scene().convert("L")))
    assert scores["colourfulness"] == scores["chroma_p99"] == scores["saturation_mean"] == 0


def test_colourfulness_follows_hasler_and_suesstrunk():
    red = np.zeros((64, 64, 3), dtype=np.uint8)
    red[:32] = (255, 0, 0)
    # rg and yb are (255, 127.5) and (0, 0): sigma = hypot(127.5, 63.75), mu = hypot(127.5, 63.75)
    expected = pytest.approx(1.3 * math.hypot(127.5, 63.75), rel=1e-4)
    assert measured(saved(Image.fromarray(red)))["colourfulness"] == expected


def test_colours_are_counted():
    flag = Image.new("RGB", (90, 60), "white")
    flag.paste("red", (0, 0, 30, 60))
    flag.paste("blue", (60, 0, 90, 60))
    scores = measured(saved(flag))
    assert scores["colour_count"] == scores["colours_for_95"] == 3
    assert scores["main_colour_share"] == pytest.approx(1 / 3)


@pytest.mark.parametrize("quality", [20, 35, 50, 75, 90, 95])
def test_jpeg_quality_is_read_from_the_tables(quality):
    _, facts = opened(saved(scene(64, 64), "JPEG", quality=quality))
    assert jpeg_quality(facts.quantization) == pytest.approx(quality, abs=1.5)


def test_other_formats_have_no_jpeg_quality():
    assert measured(saved(scene(64, 64)))["jpeg_quality"] is None


def test_bits_per_pixel_are_those_of_the_file():
    data = saved(scene(100, 50))
    assert measured(data)["bits_per_pixel"] == pytest.approx(len(data) * 8 / 5000)


def test_blocks_of_a_strongly_compressed_jpeg_are_seen_after_it_was_saved_as_png():
    image = scene(512, 400)
    squeezed, _ = opened(saved(image, "JPEG", quality=10))
    assert measured(saved(image))["blockiness"] < 1.5
    assert measured(saved(squeezed))["blockiness"] > 2


def test_an_enlarged_picture_lacks_detail():
    image = scene(800, 600)
    enlarged = image.resize((267, 200), Image.Resampling.LANCZOS).resize((800, 600), Image.Resampling.BICUBIC)
    assert measured(saved(image))["detail_drop"] > -0.75
    assert measured(saved(enlarged))["detail_drop"] < -0.75


def test_lines_of_text_and_rules_are_counted():
    page = Image.new("L", (400, 500), 255)
    pen = ImageDraw.Draw(page)
    for top in range(40, 460, 20):
        for left in range(40, 360, 12):
            pen.rectangle((left, top, left + 7, top + 8), fill=0)
    scores = measured(saved(page))
    assert scores["text_lines"] == pytest.approx(100 * 21 / 500)
    assert scores["margin_share"] == 1
    pen.line((10, 20, 390, 20), fill=0)
    assert measured(saved(page))["ruled_lines"] > scores["ruled_lines"]


def test_transparency_is_measured():
    image = Image.new("RGBA", (64, 64), (0, 0, 0, 0))
    image.paste((200, 10, 10, 255), (0, 0, 32, 64))
    assert measured(saved(image))["transparent_share"] == pytest.approx(0.5)


@pytest.mark.parametrize("sigma", [3, 4])
def test_blur_in_proportion_is_judged_alike_at_every_size(sigma: int):
    large = scene(1600, 1200)
    steepness = []
    for side in (400, 512, 632, 640, 800, 1024, 1600):
        image = large.resize((side, side * 3 // 4), Image.Resampling.LANCZOS)
        steepness.append(measured(saved(blurred(image, sigma * side / 1024)))["steepness"] or 0.0)
    assert max(steepness) - min(steepness) < 0.02
