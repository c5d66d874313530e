"""Mutated image files: the same seed gives the same files, so that a longer run repeats and extends a shorter one."""

from __future__ import annotations

import random
import warnings
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from time import perf_counter

from PIL import Image

from image_spider.imaging import integrity
from image_spider.imaging.describe import describe

from .imaging_samples import animated, bitmap_icon, bmp_rle, encode, gray_tiff, oriented, photo, sample

MAX_PIXELS = 1_000_000
# Values at which readers of sizes, offsets and counts go wrong.
EDGES = (0, 1, 2, 0x7F, 0x80, 0xFE, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFE, 0xFFFFFFFF)


@dataclass(slots=True)
class Outcome:
    """What a run has seen: files by class, the slowest file (seconds, number, class), warnings that leaked.

    unmeasured are files that are kept though measuring their pixels failed.
    """

    classes: Counter[str] = field(default_factory=Counter)
    unmeasured: int = 0
    slowest: tuple[float, int, str] = (0.0, -1, "")
    warnings: list[str] = field(default_factory=list)


def seeds() -> list[bytes]:
    """Return the good files that are mutated."""
    names = ("jpeg", "png", "gif", "webp", "avif", "bmp", "tiff", "ico")
    svg = b'<?xml version="1.0"?><!-- x --><svg width="2cm" viewBox="0 0 20 10"><g/></svg>'
    small = photo(40, 24)
    return [
        *(sample(name) for name in names),
        *(animated(name) for name in ("gif", "webp", "png", "tiff")),
        *(oriented(name, 6) for name in ("jpeg", "webp", "tiff", "avif")),
        encode(small, "JPEG", progressive=True),
        encode(small.convert("CMYK"), "JPEG"),
        encode(small, "JPEG", restart_marker_rows=1),
        encode(small.convert("P"), "PNG", transparency=b"\x00\x80"),
        encode(small.convert("I").convert("I;16"), "PNG"),
        encode(small, "WEBP", lossless=True),
        encode(small.convert("RGBA"), "WEBP"),
        encode(small, "TIFF", compression="tiff_lzw"),
        encode(small, "TIFF", compression="jpeg"),
        encode(small, "TIFF", compression="tiff_adobe_deflate", big_tiff=True),
        encode(small.convert("1"), "TIFF", compression="group4"),
        encode(small.convert("F"), "TIFF"),
        gray_tiff(),
        bitmap_icon(),
        bmp_rle(8, 2, b"\x08\x01\x00\x00\x00\x04\x01\x01\x01\x01\x00\x02\x01\x00\x00\x01"),
        svg,
    ]


def mutated_files(count: int, seed: int) -> Iterator[bytes]:
    """Yield mutated files, one good file after the other."""
    chance = random.Random(seed)
    good = seeds()
    for number in range(count):
        data = bytearray(good[number % len(good)])
        for _ in range(chance.choice((1, 1, 1, 2, 3, 8))):
            _mutate(data, chance, good)
        yield bytes(data)


def _mutate(data: bytearray, chance: random.Random, good: list[bytes]) -> None:
    # Headers decide most, so half of the places are in the first 256 bytes.
    place = chance.randrange(max(1, min(len(data), 256) if chance.random() < 0.5 else len(data)))
    kind = chance.randrange(7)
    if kind == 0:
        data[place : place + 1] = bytes([chance.randrange(256)])
    elif kind == 1:
        data[place : place + 1] = bytes([(data[place] if place < len(data) else 0) ^ 1 << chance.randrange(8)])
    elif kind == 2:
        size = chance.choice((1, 2, 4))
        edge = chance.choice(EDGES) & (1 << 8 * size) - 1
        data[place : place + size] = edge.to_bytes(size, chance.choice(("big", "little")))
    elif kind == 3:
        del data[place:]
    elif kind == 4:
        del data[place : place + chance.randrange(1, 64)]
    elif kind == 5:
        data[place:place] = chance.randbytes(chance.randrange(1, 64))
    else:
        other = chance.choice(good)
        start = chance.randrange(len(other))
        data[place : place + 64] = other[start : start + 64]


def run(count: int, seed: int = 1) -> Outcome:
    """Describe that many mutated files; raises AssertionError with the file's number at the first wrong answer."""
    outcome = Outcome()
    with warnings.catch_warnings(record=True) as leaked:
        warnings.simplefilter("always")
        for number, data in enumerate(mutated_files(count, seed)):
            start = perf_counter()
            try:
                description = describe(data, content_type="image/png", max_pixels=MAX_PIXELS)
            except BaseException as error:
                error.add_note(f"raised by file {number} of seed {seed}")
                raise
            outcome.slowest = max(outcome.slowest, (perf_counter() - start, number, description.integrity))
            outcome.classes[description.integrity] += 1
            assert description.integrity in integrity.ALL, number
            if description.integrity not in integrity.KEPT:
                assert description.detail, number
                continue
            assert description.width > 0, number
            assert description.height > 0, number
            assert description.format == "svg" or description.width * description.height <= MAX_PIXELS, number
            assert (description.thumbnail is None) == (description.format == "svg"), number
            outcome.unmeasured += description.understanding is None and description.format != "svg"
    outcome.warnings = [str(warning.message) for warning in leaked]
    assert Image.MAX_IMAGE_PIXELS == 89_478_485, "global state was changed"
    return outcome
