from __future__ import annotations

import io

import imagehash
import numpy as np
import pytest
from PIL import Image, ImageDraw

from image_spider.imaging.facts import read_facts
from image_spider.imaging.hashes import NEAR_BITS, SAME_BITS, Hashes, distance, measure_hashes
from image_spider.imaging.working_copy import draft_size, make_working_copy
from tests.unit.imaging.drawings import opened, saved, scene


def hashed(data: bytes, orientation: int = 1) -> Hashes:
    image, facts = opened(data, orientation)
    return measure_hashes(image, make_working_copy(image, facts), facts)


@pytest.mark.parametrize("seed", range(5))
def test_the_hashes_of_small_pictures_equal_those_of_the_imagehash_package(seed):
    image = scene(250, 200, seed)
    assert hashed(saved(image)).phash_256 == str(imagehash.phash(image, hash_size=16))
    image = scene(120, 100, seed)
    assert hashed(saved(image)).phash_64 == str(imagehash.phash(image))
    image = scene(40, 34, seed)
    assert hashed(saved(image)).dhash_64 == str(imagehash.dhash(image))


@pytest.mark.parametrize("size", [(500, 380), (511, 333), (1600, 1200)])
@pytest.mark.parametrize("seed", range(4))
def test_few_bits_of_larger_pictures_differ_from_the_imagehash_package(seed, size):
    image = scene(*size, seed)
    ours = hashed(saved(image))
    assert distance(ours.phash_256, str(imagehash.phash(image, hash_size=16))) <= 8
    assert distance(ours.phash_64, str(imagehash.phash(image))) <= 4
    assert distance(ours.dhash_64, str(imagehash.dhash(image))) <= 4


@pytest.mark.parametrize("form", ["PNG", "BMP", "TIFF", "WEBP", "PPM"])
def test_lossless_encodings_of_a_picture_share_the_pixel_hash(form):
    image = scene(120, 90)
    options = {"lossless": True} if form == "WEBP" else {}
    assert hashed(saved(image, form, **options)).pixel_hash == hashed(saved(image)).pixel_hash


def test_gray_palette_and_opaque_alpha_do_not_count_as_different_pixels():
    gray = scene(120, 90).convert("L")
    palette = gray.quantize(256) if len(gray.getcolors()) <= 256 else gray
    expected = hashed(saved(gray)).pixel_hash
    for same in (gray.convert("RGB"), gray.convert("RGBA"), palette):
        assert hashed(saved(same)).pixel_hash == expected


def test_the_colour_of_transparent_pixels_does_not_count():
    first = Image.new("RGBA", (50, 50), (255, 0, 0, 0))
    second = Image.new("RGBA", (50, 50), (0, 0, 255, 0))
    for image in (first, second):
        ImageDraw.Draw(image).ellipse((10, 10, 40, 40), fill=(9, 9, 9, 255))
    assert hashed(saved(first)).pixel_hash == hashed(saved(second)).pixel_hash


def test_a_progressive_jpeg_shares_the_pixel_hash_also_when_decoded_at_reduced_scale():
    def drafted(data: bytes) -> str:
        image = Image.open(io.BytesIO(data))
        facts = read_facts(image, len(data))
        image.draft("RGB", draft_size(*image.size))
        image.load()
        return measure_hashes(image, make_working_copy(image, facts), facts).pixel_hash

    image = scene(1600, 1200)
    assert drafted(saved(image, "JPEG")) == drafted(saved(image, "JPEG", progressive=True, optimize=True))


def test_one_changed_pixel_changes_the_pixel_hash():
    image = scene(120, 90)
    before = hashed(saved(image)).pixel_hash
    image.putpixel((3, 3), (1, 2, 3))
    assert hashed(saved(image)).pixel_hash != before


def test_a_turned_picture_with_its_exif_orientation_has_the_same_hashes():
    image = scene(800, 600)
    turned = saved(image.transpose(Image.Transpose.ROTATE_90))
    upright, displayed = hashed(saved(image)), hashed(turned, orientation=6)
    assert displayed.pixel_hash == upright.pixel_hash
    assert distance(displayed.phash_256, upright.phash_256) <= 4


def test_recompressed_and_resized_pictures_are_the_same():
    image = scene(900, 700)
    original = hashed(saved(image)).phash_256
    assert distance(original, hashed(saved(image, "JPEG", quality=30)).phash_256) <= SAME_BITS
    assert distance(original, hashed(saved(image.resize((450, 350)))).phash_256) <= SAME_BITS


def test_unrelated_pictures_are_far_apart():
    assert distance(hashed(saved(scene(seed=1))).phash_256, hashed(saved(scene(seed=2))).phash_256) > NEAR_BITS


@pytest.mark.parametrize("colour", ["white", "black", (10, 200, 30)])
def test_a_picture_of_one_colour_has_no_perceptual_hash(colour):
    hashes = hashed(saved(Image.new("RGB", (300, 200), colour)))
    assert (hashes.phash_256, hashes.phash_64, hashes.dhash_64) == (None, None, None)
    assert len(hashes.pixel_hash) == 32


def test_a_tiny_picture_has_no_perceptual_hash():
    assert hashed(saved(scene(48, 31))).phash_256 is None
    assert hashed(saved(scene(48, 32))).phash_256 is not None


def test_a_faint_gradient_has_no_perceptual_hash():
    ramp = np.tile(np.linspace(120, 130, 400), (300, 1)).astype(np.uint8)
    assert hashed(saved(Image.fromarray(ramp))).phash_256 is None


def test_hashes_of_unequal_length_cannot_be_compared():
    with pytest.raises(ValueError, match="64 and 256 bits"):
        distance("0" * 16, "0" * 64)


def test_bands_do_not_change_the_pixel_hash(monkeypatch):
    data = saved(scene(300, 200).convert("RGBA"))
    whole = hashed(data).pixel_hash
    monkeypatch.setattr("image_spider.imaging.hashes._BAND_PIXELS", 1000)
    assert hashed(data).pixel_hash == whole
