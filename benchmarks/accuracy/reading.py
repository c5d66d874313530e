"""Reading: what image_spider measures of a file, decoded as a crawl decodes it."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from image_spider.imaging.facts import read_facts
from image_spider.imaging.features import Features, measure_features
from image_spider.imaging.hashes import Hashes, measure_hashes
from image_spider.imaging.working_copy import draft_size, make_working_copy

ORIENTATION = 0x0112


@dataclass(frozen=True, slots=True)
class Reading:
    """The raw scores and hashes of one file."""

    features: Features
    hashes: Hashes


def read(source: Path | bytes) -> Reading:
    """Open, decode (JPEG at reduced scale where it is large) and measure one file."""
    data = source if isinstance(source, bytes) else source.read_bytes()
    with Image.open(io.BytesIO(data)) as image:
        facts = read_facts(image, len(data), orientation=image.getexif().get(ORIENTATION, 1))
        if image.format == "JPEG":
            image.draft(image.mode, draft_size(*image.size))
        image.load()
        copy = make_working_copy(image, facts)
        return Reading(measure_features(copy, facts), measure_hashes(image, copy, facts))
