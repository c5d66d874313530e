from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageOps

from image_spider.imaging.facts import read_facts
from image_spider.imaging.orientation import displayed
from image_spider.imaging.working_copy import draft_size, eight_bit, flattened, make_working_copy
from tests.unit.imaging.drawings import copied, saved, scene


@pytest.mark.parametrize(("side", "reduced"), [(633, 633), (634, 317), (1024, 512), (1097, 549), (1098, 366)])
def test_the_longer_side_of_the_working_copy_comes_near_to_448_pixels_by_whole_numbers(side, reduced):
    copy = copied(saved(scene(side, side // 2)))
    assert copy.luma.shape[1] == reduced
    assert copy.histogram.sum() == copy.luma.size


@pytest.mark.parametrize(("side", "reduced"), [(320, 320), (321, 161), (1024, 256), (1254, 209), (4000, 223)])
def test_the_longer_side_of_the_preview_is_at_most_320_pixels(side, reduced):
    assert copied(saved(Image.new("RGB", (20, side)))).preview.size[1] == reduced


def test_a_small_picture_is_not_enlarged():
    assert copied(saved(scene(90, 60))).luma.shape == (60, 90)


def test_the_window_holds_decoded_pixels_on_the_grid_of_jpeg_blocks():
    image = scene(1000, 800)
    copy = copied(saved(image))
    left, top = (1000 - 384) // 2 // 8 * 8, (800 - 384) // 2 // 8 * 8
    window = copy.window_rgbx.view(np.uint8).reshape(384, 384, 4)[..., :3]
    assert np.array_equal(window, np.asarray(image)[top : top + 384, left : left + 384])


def test_a_reduced_decoding_is_not_native():
    data = saved(scene(1600, 1200), "JPEG")
    image = Image.open(io.BytesIO(data))
    facts = read_facts(image, len(data))
    image.draft("RGB", draft_size(*image.size))
    image.load()
    assert image.size == (800, 600)
    assert not make_working_copy(image, facts).native


def test_pictures_of_1024_pixels_are_decoded_in_full():
    data = saved(scene(1024, 768), "JPEG")
    image = Image.open(io.BytesIO(data))
    image.draft("RGB", draft_size(*image.size))
    assert image.size == (1024, 768)


@pytest.mark.parametrize("size", [(1, 1), (1, 3000), (3000, 1), (2, 2)])
def test_extreme_shapes_have_a_working_copy(size):
    copy = copied(saved(Image.new("RGB", size, "red")))
    assert min(copy.luma.shape) >= 1
    assert min(copy.preview.size) >= 1


def test_transparency_is_laid_on_white():
    image = Image.new("RGBA", (40, 40), (0, 0, 0, 0))
    ImageDraw.Draw(image).rectangle((0, 0, 19, 39), fill=(10, 20, 30, 255))
    opaque, transparent = flattened(image)
    assert opaque.getpixel((30, 5)) == (255, 255, 255)
    assert transparent == pytest.approx(0.5)


def test_a_white_logo_is_laid_on_black():
    image = Image.new("RGBA", (40, 40), (0, 0, 0, 0))
    ImageDraw.Draw(image).rectangle((10, 10, 20, 20), fill="white")
    assert flattened(image)[0].getpixel((0, 0)) == (0, 0, 0)


def test_sixteen_bits_keep_their_upper_byte():
    values = np.array([[0, 256, 65535]], dtype=np.uint16)
    assert np.asarray(eight_bit(Image.fromarray(values))).tolist() == [[0, 1, 255]]


@pytest.mark.parametrize(("values", "kind"), [([0, 32768, 65535], np.int32), ([-1.0, 0.0, 1.0], np.float32)])
def test_long_integers_and_floats_are_scaled_not_clipped(values, kind):
    assert np.asarray(eight_bit(Image.fromarray(np.array([values], dtype=kind)))).tolist() == [[0, 127, 255]]


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr", "HSV", "LAB", "I", "F", "I;16"])
def test_every_mode_becomes_eight_bit(mode):
    assert eight_bit(Image.new(mode, (5, 4))).mode in {"L", "RGB", "RGBA"}


def test_a_palette_with_a_transparent_entry_keeps_it():
    image = Image.new("P", (8, 8), 0)
    image.putpalette([255, 0, 0, 0, 255, 0])
    image.info["transparency"] = 0
    assert eight_bit(image).getpixel((0, 0))[3] == 0


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_turns_as_pillow_does(orientation):
    image = scene(60, 40)
    image.getexif()[0x0112] = orientation
    assert displayed(image, orientation).tobytes() == ImageOps.exif_transpose(image).tobytes()
