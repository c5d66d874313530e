"""Pictures that the tests draw for themselves."""

from __future__ import annotations

import io
from functools import cache

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from image_spider.imaging.analysis import Analysis, analyse
from image_spider.imaging.facts import FileFacts, read_facts
from image_spider.imaging.features import Features, measure_features
from image_spider.imaging.working_copy import WorkingCopy, make_working_copy


def scene(width: int = 800, height: int = 600, seed: int = 7) -> Image.Image:
    """Draw something with a photograph's statistics: sharp overlapping shapes, shading and a little noise."""
    return _scene(width, height, seed).copy()


@cache
def _scene(width: int, height: int, seed: int) -> Image.Image:
    random = np.random.default_rng(seed)
    image = Image.new("RGB", (width, height), (120, 140, 160))
    pen = ImageDraw.Draw(image)
    for _ in range(400):
        x, y = random.integers(0, width), random.integers(0, height)
        size = random.integers(4, width // 6)
        colour = tuple(int(value) for value in random.integers(10, 245, 3))
        pen.ellipse((x, y, x + size, y + size * 0.7), fill=colour)
    shade = np.linspace(0.6, 1.1, width)[None, :, None]
    values = np.asarray(image) * shade + random.normal(0, 2, (height, width, 3))
    return Image.fromarray(np.clip(values, 0, 255).astype(np.uint8))


def blurred(image: Image.Image, sigma: float) -> Image.Image:
    return image.filter(ImageFilter.GaussianBlur(sigma))


def saved(image: Image.Image, form: str = "PNG", **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()


def opened(data: bytes, orientation: int = 1) -> tuple[Image.Image, FileFacts]:
    image = Image.open(io.BytesIO(data))
    facts = read_facts(image, len(data), orientation=orientation)
    image.load()
    return image, facts


def copied(data: bytes, orientation: int = 1) -> WorkingCopy:
    return make_working_copy(*opened(data, orientation))


def measured(data: bytes) -> Features:
    image, facts = opened(data)
    return measure_features(make_working_copy(image, facts), facts)


def analysed(data: bytes) -> Analysis:
    image, facts = opened(data)
    return analyse(image, make_working_copy(image, facts), facts)
