"""What each stage costs on one core: milliseconds of CPU for a photograph of half a megapixel."""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Sequence

from PIL import Image

from benchmarks.accuracy.distortions import jpeg
from benchmarks.accuracy.flags import large_photographs
from benchmarks.accuracy.material import Labelled
from benchmarks.accuracy.tables import Table
from image_spider.imaging.compression import measure_compression
from image_spider.imaging.content import content_kind
from image_spider.imaging.describe import describe
from image_spider.imaging.edges import measure_edges
from image_spider.imaging.facts import read_facts
from image_spider.imaging.features import measure_features
from image_spider.imaging.hashes import measure_hashes, pixel_hash
from image_spider.imaging.layout import measure_layout
from image_spider.imaging.pixels import measure_pixels
from image_spider.imaging.rules import evaluate
from image_spider.imaging.thumbnail import thumbnail
from image_spider.imaging.tones import measure_tones
from image_spider.imaging.working_copy import make_working_copy

SIZE = (816, 612)
REPEATS = 40
NOTE = "Other programs on the machine slow every line: compare with the decode, 1.2 ms where nothing else runs."


def measure_stages(files: Sequence[Labelled]) -> list[Table]:
    """Time every stage on the first large photograph."""
    with Image.open(large_photographs(files)[0].path) as image:
        data = jpeg(image.convert("RGB").resize(SIZE, Image.Resampling.LANCZOS), 85)
    image = Image.open(io.BytesIO(data))
    facts = read_facts(image, len(data))
    image.load()
    copy = make_working_copy(image, facts)
    scores = measure_features(copy, facts)
    stages: dict[str, Callable[[], object]] = {
        "decode (Pillow, full)": lambda: Image.open(io.BytesIO(data)).load(),
        "working copy": lambda: make_working_copy(image, facts),
        "thumbnail": lambda: thumbnail(copy.preview),
        "tones": lambda: measure_tones(copy),
        "edges": lambda: measure_edges(copy),
        "layout": lambda: measure_layout(copy),
        "pixels": lambda: measure_pixels(copy),
        "compression": lambda: measure_compression(facts),
        "hashes": lambda: measure_hashes(image, copy, facts),
        "of these, pixel_hash": lambda: pixel_hash(image, facts),
        "flags and quality": lambda: evaluate(scores),
        "content kind": lambda: content_kind(scores),
        "all of it, by `describe`": lambda: describe(data, max_pixels=SIZE[0] * SIZE[1]),
    }
    rows = [[name, f"{_milliseconds(stage):.2f}"] for name, stage in stages.items()]
    title = f"One JPEG of {SIZE[0]} x {SIZE[1]}, {len(data) // 1000} kB: ms of CPU, median of {REPEATS}"
    return [Table("stages", title, ["stage", "ms"], rows, NOTE)]


def _milliseconds(stage: Callable[[], object]) -> float:
    times = []
    for _ in range(REPEATS):
        started = time.process_time()
        stage()
        times.append(time.process_time() - started)
    return 1000 * sorted(times)[REPEATS // 2]
