"""The stages that a JPEG passes while it is described, each to be timed alone."""

from __future__ import annotations

import hashlib
import io
import time
from collections.abc import Callable
from statistics import median

from PIL import Image

from image_spider import config
from image_spider.imaging.compression import measure_compression
from image_spider.imaging.content import content_kind
from image_spider.imaging.decode import decode, pixel_limit
from image_spider.imaging.describe import describe
from image_spider.imaging.edges import measure_edges
from image_spider.imaging.facts import FileFacts, read_facts
from image_spider.imaging.features import measure_features
from image_spider.imaging.formats import READERS
from image_spider.imaging.hashes import measure_hashes, pixel_hash
from image_spider.imaging.layout import measure_layout
from image_spider.imaging.pixels import measure_pixels
from image_spider.imaging.rules import evaluate
from image_spider.imaging.thumbnail import thumbnail
from image_spider.imaging.tones import measure_tones
from image_spider.imaging.working_copy import make_working_copy

MAX_PIXELS = config.check({}).IMAGES_MAX_PIXELS
WHOLE = "whole description"
Stages = dict[str, Callable[[], object]]


def analysis_stages(image: Image.Image, facts: FileFacts) -> Stages:
    """Return the stages of the analysis of a decoded image."""
    copy = make_working_copy(image, facts)
    scores = measure_features(copy, facts)
    return {
        "working copy": lambda: make_working_copy(image, facts),
        "tones": lambda: measure_tones(copy),
        "edges": lambda: measure_edges(copy),
        "layout": lambda: measure_layout(copy),
        "pixels": lambda: measure_pixels(copy),
        "compression": lambda: measure_compression(facts),
        "hashes": lambda: measure_hashes(image, copy, facts),
        "of these, pixel_hash": lambda: pixel_hash(image, facts),
        "flags and quality": lambda: evaluate(scores),
        "content kind": lambda: content_kind(scores),
    }


def description_stages(data: bytes) -> Stages:
    """Return all stages of the description of a JPEG, and the whole."""
    limit = pixel_limit(MAX_PIXELS)
    structure = READERS["jpeg"](data, limit)
    with Image.open(io.BytesIO(data)) as opened:
        facts = read_facts(opened, len(data), orientation=structure.orientation)
    image = decode(structure, "jpeg", limit)
    return {
        "decode to full size, for comparison": lambda: Image.open(io.BytesIO(data)).load(),
        "structure": lambda: READERS["jpeg"](data, limit),
        "sha256": lambda: hashlib.sha256(data).digest(),
        "decode (draft)": lambda: decode(structure, "jpeg", limit),
        **analysis_stages(image, facts),
        "thumbnail": lambda: thumbnail(image.copy(), structure.orientation),
        WHOLE: lambda: describe(data, max_pixels=MAX_PIXELS),
    }


def milliseconds(stage: Callable[[], object], *, repeats: int) -> float:
    """Return the median milliseconds of CPU, those of all threads of this process, that a stage takes."""
    times = []
    for _ in range(repeats):
        started = time.process_time()
        stage()
        times.append(time.process_time() - started)
    return 1000 * median(times)
