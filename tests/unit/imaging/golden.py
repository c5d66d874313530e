"""The scores and hashes of three made pictures, as SCORES_VERSION had them: `python -m tests.unit.imaging.golden`."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from image_spider.imaging.analysis import SCORES_VERSION
from tests.unit.imaging.drawings import analysed, saved

FILE = Path(__file__).with_name("golden.json")
DIGITS = 5  # of a score: more would depend on the machine's arithmetic


def rings() -> Image.Image:
    """Draw coloured rings by whole numbers alone: the same on every machine."""
    rows, columns = np.mgrid[:480, :720]
    squares = (columns - 300) ** 2 + (rows - 200) ** 2
    channels = (squares // 97 % 256, squares // 181 % 256, columns // 3 + rows % 7)
    return Image.fromarray(np.stack(channels, axis=-1).astype(np.uint8))


def enlarged() -> Image.Image:
    """Enlarge a part of the rings fourfold, to 1120 px, with a transparent corner."""
    image = rings().crop((150, 60, 430, 270)).resize((1120, 840), Image.Resampling.BILINEAR)
    image.putalpha(255)
    image.paste((0, 0, 0, 0), (0, 0, 200, 150))
    return image


def page() -> Image.Image:
    """Draw lines of words on white paper."""
    image = Image.new("L", (300, 400), 255)
    for top in range(40, 360, 14):
        for left in range(30, 260 - top % 50, 5 + top % 9):
            image.paste(top % 60, (left, top, left + 4, top + 7))
    return image


PICTURES: dict[str, Callable[[], Image.Image]] = {"rings": rings, "enlarged": enlarged, "page": page}


def measured(name: str) -> dict[str, Any]:
    """Return scores and hashes of a picture, saved as PNG, so that no codec that loses anything takes part."""
    analysis = analysed(saved(PICTURES[name]()))
    scores = {feature: score and float(f"{score:.{DIGITS}g}") for feature, score in analysis.features.items()}
    return {"scores": scores, "hashes": asdict(analysis.hashes)}


if __name__ == "__main__":
    golden = {"scores_version": SCORES_VERSION, "pictures": {name: measured(name) for name in PICTURES}}
    FILE.write_text(json.dumps(golden, indent=1) + "\n", encoding="utf-8")
