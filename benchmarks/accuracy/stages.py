"""What each stage costs on one core: milliseconds of CPU for a photograph of half a megapixel."""

from __future__ import annotations

import io
from collections.abc import Sequence

from PIL import Image

from benchmarks.accuracy.distortions import jpeg
from benchmarks.accuracy.flags import large_photographs
from benchmarks.accuracy.material import Labelled
from benchmarks.accuracy.tables import Table
from benchmarks.stages import Stages, analysis_stages, milliseconds
from image_spider.imaging.facts import read_facts

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
    stages: Stages = {
        "decode (Pillow, full)": lambda: Image.open(io.BytesIO(data)).load(),
        **analysis_stages(image, facts),
    }
    rows = [[name, f"{milliseconds(stage, repeats=REPEATS):.2f}"] for name, stage in stages.items()]
    title = f"One JPEG of {SIZE[0]} x {SIZE[1]}, {len(data) // 1000} kB: ms of CPU, median of {REPEATS}"
    return [Table("stages", title, ["stage", "ms"], rows, NOTE)]
