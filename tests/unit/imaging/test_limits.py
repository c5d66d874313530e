"""A bomb is refused by its header, and the limits hold in any number of threads."""

from __future__ import annotations

import resource
import warnings
from concurrent.futures import ThreadPoolExecutor
from time import perf_counter

import pytest
from PIL import Image

from .imaging_samples import FORMATS, SIZE, encode, examine, jpeg_frame, photo, png_header, riff, sample, webp_chunk


@pytest.mark.parametrize(
    "data",
    [png_header(60_000, 60_000), jpeg_frame(65_535, 65_535), riff(webp_chunk(b"VP8X", bytes(4) + b"\xff" * 6))],
    ids=["png", "jpeg", "webp"],
)
def test_a_bomb_costs_neither_time_nor_memory(data: bytes) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    fastest = 1.0
    for _ in range(20):
        start = perf_counter()
        assert examine(data).integrity == "bomb"
        fastest = min(fastest, perf_counter() - start)
    assert fastest < 0.0005
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 16 * 1024


@pytest.mark.parametrize("name", FORMATS)
def test_an_image_of_exactly_the_limit_is_taken_and_one_pixel_more_is_a_bomb(name: str) -> None:
    pixels = 48 * 48 if name == "ico" else SIZE[0] * SIZE[1]
    assert examine(sample(name), max_pixels=pixels).integrity == "ok"
    assert examine(sample(name), max_pixels=pixels - 1).integrity == "bomb"


def test_pillows_own_limit_is_kept_without_a_warning_and_without_a_change(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 5000)
    for name in FORMATS:
        expected = "ok" if name == "ico" else "bomb"
        assert examine(sample(name)).integrity == expected
    assert Image.MAX_IMAGE_PIXELS == 5000
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", None)
    assert examine(sample("png")).integrity == "ok"


def test_threads_that_work_at_the_same_time_get_the_same_answers() -> None:
    files = [sample(name) for name in FORMATS] + [encode(photo(700, 500), "JPEG"), png_header(60_000, 60_000)]
    files += [data[: len(data) // 2] for data in files]
    alone = [examine(data) for data in files]
    with warnings.catch_warnings(record=True) as leaked, ThreadPoolExecutor(8) as pool:
        warnings.simplefilter("always")
        together = list(pool.map(examine, files * 20))
    assert together == alone * 20
    assert leaked == []


@pytest.mark.parametrize("content_type", ["", ";", "image/", "\x00\xff", "image/png" * 10_000, "a;b;c"])
def test_no_content_type_can_break_it(content_type: str) -> None:
    description = examine(sample("png"), content_type)
    assert description.integrity == "ok"
    assert len(examine(b"text", content_type).detail) <= 200
