from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from image_spider.imaging.content import ALL_KINDS, content_kind, ramp
from image_spider.imaging.content_points import BASE_POINTS, KINDS, POINTS
from tests.unit.imaging.drawings import measured, saved, scene


def told(image: Image.Image, form: str = "PNG", **options: object) -> str:
    return content_kind(measured(saved(image, form, **options)))


def page() -> Image.Image:
    """Set a page of type: words of many lengths on white, in lines and paragraphs."""
    random = np.random.default_rng(5)
    image = Image.new("L", (850, 1100), 255)
    pen = ImageDraw.Draw(image)
    font = ImageFont.load_default(15)
    for line in range(48):
        words = [
            "".join(chr(97 + int(letter)) for letter in random.integers(0, 26, random.integers(2, 10)))
            for _ in range(12)
        ]
        if line % 9:
            pen.text((90, 80 + 20 * line), " ".join(words)[:76], fill=0, font=font)
    return image


def pictogram() -> Image.Image:
    image = Image.new("RGBA", (48, 48), (0, 0, 0, 0))
    pen = ImageDraw.Draw(image)
    pen.ellipse((4, 4, 44, 44), fill=(60, 120, 200, 255), outline=(20, 50, 110, 255), width=3)
    pen.line((14, 24, 22, 34, 36, 14), fill=(255, 255, 255, 255), width=4)
    return image


@pytest.mark.parametrize("size", [(1, 1), (16, 16), (800, 600)])
@pytest.mark.parametrize("colour", ["white", "black", (12, 140, 60)])
def test_one_colour_is_blank(size, colour):
    assert told(Image.new("RGB", size, colour)) == "blank"
    assert told(Image.new("RGB", size, colour), "JPEG") == "blank"


def test_a_wholly_transparent_picture_is_blank():
    assert told(Image.new("RGBA", (64, 64), (0, 0, 0, 0))) == "blank"


def test_a_small_pictogram_is_an_icon():
    assert told(pictogram()) == "icon"


def test_a_page_of_text_is_a_document():
    assert told(page()) == "document"
    assert told(page(), "JPEG", quality=80) == "document"


def test_a_picture_is_not_blank_because_a_feature_is_missing():
    assert content_kind({"contrast": 0.2, "edge_density": None, "colours_for_95": None}) != "blank"


def test_every_row_of_the_scorecard_reads_a_measured_feature_and_gives_points_to_every_kind():
    names = measured(saved(scene())).keys()
    for feature, low, high, _, points in POINTS:
        assert feature in names
        assert low < high
        assert len(points) == len(KINDS)
    assert len(BASE_POINTS) == len(KINDS)
    assert ALL_KINDS == ("photo", "illustration", "graphic", "screenshot", "icon", "document", "blank")


def test_a_ramp_rises_from_none_to_all():
    assert [ramp(value, 2, 4, logarithmic=False) for value in (0, 2, 3, 4, 9)] == [0, 0, 0.5, 1, 1]
    assert ramp(4, 1, 16, logarithmic=True) == pytest.approx(0.5, abs=0.02)
