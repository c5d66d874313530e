"""What resembles a picture, over both databases."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import pytest

from image_spider.catalog.catalog import Catalog
from image_spider.catalog.duplicates import Picture
from image_spider.catalog.similar import ROWS, SimilarImage, picture_named, similar_images
from image_spider.catalog.writes import write_items
from image_spider.commands.similar import contact_sheet, find_picture
from image_spider.exceptions import UsageError
from image_spider.imaging.describe import describe
from image_spider.items import Image
from image_spider.stores.local import LocalStore
from tests.project import ROOT
from tests.samples import a_picture, an_item, understood

FILE = ROOT / "demo/sources/cat.jpg"

ORIGINAL = a_picture(0, 0)


def write(catalog: Catalog, *images: Image) -> None:
    found = [an_item(f"https://example.com/{image.sha256}.jpg", image=image) for image in images]
    catalog.transaction(lambda connection: write_items(connection, found))


def similar(catalog: Catalog, picture: Picture, *, distance: int = 51, limit: int = 50) -> list[SimilarImage]:
    with catalog.reading() as connection:
        return similar_images(connection, picture, distance=distance, limit=limit)[0]


def kinds(catalog: Catalog, name: str, **options: int) -> list[tuple[str, int]]:
    with catalog.reading() as connection:
        picture = picture_named(connection, name)
    return [(image.kind, image.distance) for image in similar(catalog, picture, **options)]


def test_images_are_told_by_kind_nearest_first(catalog: Catalog):
    images = [a_picture(bits, (1 << bits) - 1, bits) for bits in (31, 32, 51, 52)]
    write(catalog, ORIGINAL, *images, a_picture(99, 0, pixels="0"), a_picture(98, 0, frames=7))
    expected = [("exact", 0), ("pixel", 0), ("frames", 0), ("same", 31), ("near", 32), ("near", 51)]
    assert kinds(catalog, ORIGINAL.sha256) == expected
    assert kinds(catalog, ORIGINAL.sha256, distance=256) == [*expected, ("far", 52)]


def test_the_answer_is_that_of_a_comparison_with_every_image(catalog: Catalog):
    draw = random.Random(2)
    hashes = [draw.getrandbits(256) for _ in range(500)]
    pictures = [a_picture(number, value, draw.getrandbits(64)) for number, value in enumerate(hashes)]
    write(catalog, *pictures)
    wanted = Picture("", None, f"{hashes[0]:064x}", 1, 1)
    expected = sorted(
        ((value ^ hashes[0]).bit_count(), image.sha256) for value, image in zip(hashes, pictures, strict=True)
    )
    found = similar(catalog, wanted, distance=120, limit=1000)
    assert [(image.distance, image.sha256) for image in found] == [pair for pair in expected if pair[0] <= 120]
    assert similar(catalog, wanted, distance=256, limit=3) == similar(catalog, wanted, distance=256, limit=500)[:3]


def test_every_row_is_read_though_they_come_in_parts(catalog: Catalog, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("image_spider.catalog.similar.ROWS", 7)
    assert ROWS > 7
    write(catalog, *(a_picture(number, number) for number in range(30)))
    with catalog.reading() as connection:
        images, total = similar_images(connection, Picture("", None, "0" * 64, 1, 1), distance=256, limit=10)
    assert (len(images), total) == (10, 30)


def test_an_image_tells_where_it_was_seen_first(catalog: Catalog):
    write(catalog, ORIGINAL)
    (image,) = similar(catalog, Picture("", None, "0" * 64, 1, 1))
    assert (image.url, image.path, image.width, image.bytes) == (
        f"https://example.com/{ORIGINAL.sha256}.jpg",
        ORIGINAL.path,
        640,
        1000,
    )


def test_a_picture_of_low_information_is_compared_by_its_pixels(catalog: Catalog):
    white = [a_picture(number, None, pixels="white") for number in (1, 2)]
    write(catalog, *white, a_picture(3, None), ORIGINAL)
    assert kinds(catalog, white[0].sha256) == [("exact", 0), ("pixel", 0)]


@pytest.mark.parametrize("length", [8, 20, 64])
def test_an_image_is_named_by_the_digits_that_its_hash_starts_with(catalog: Catalog, length: int):
    write(catalog, ORIGINAL, a_picture(1, 0))
    with catalog.reading() as connection:
        assert picture_named(connection, ORIGINAL.sha256[:length]).sha256 == ORIGINAL.sha256


def test_a_name_of_no_image_or_of_several_is_refused(catalog: Catalog):
    write(catalog, a_picture(1, 0, sha256="ab" * 32), a_picture(2, 0, sha256="ab" * 31 + "cc"))
    with catalog.reading() as connection:
        with pytest.raises(UsageError, match="an image in the catalog"):
            picture_named(connection, "0" * 8)
        with pytest.raises(UsageError, match="more digits"):
            picture_named(connection, "ab" * 4)


def test_a_file_that_no_crawl_has_seen_is_compared_by_its_hashes(catalog: Catalog, monkeypatch: pytest.MonkeyPatch):
    write(catalog, ORIGINAL)
    plain = describe(FILE.read_bytes(), max_pixels=10**7)
    told = replace(plain, understanding=understood(0b1, 0))
    monkeypatch.setattr("image_spider.commands.similar.describe", lambda data, max_pixels: told)
    with catalog.reading() as connection:
        picture = find_picture(connection, str(FILE), max_pixels=10**7)
    assert [(image.kind, image.distance) for image in similar(catalog, picture)] == [("same", 1)]


def test_the_contact_sheet_shows_the_images_in_order(catalog: Catalog, tmp_path: Path):
    near = a_picture(1, 7)
    write(catalog, near, ORIGINAL, a_picture(2, (1 << 200) - 1))
    found = similar(catalog, Picture("", None, "0" * 64, 1, 1))
    with catalog.reading() as connection:
        page = contact_sheet(connection, "/some/<where>/a.jpg", found, store=LocalStore(tmp_path))
    assert "<h1>Images like a.jpg</h1>" in page
    assert page.index(f'"sha256":"{ORIGINAL.sha256}"') < page.index(f'"sha256":"{near.sha256}"')
    assert '"similarity":"same, 3 of 256 bits"' in page
    assert '"total' in page
    assert page.count('"sha256":"') == 2
