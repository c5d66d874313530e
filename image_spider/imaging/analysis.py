"""Analysis: all that is understood of one decoded image, in one call."""

from __future__ import annotations

from dataclasses import dataclass

from PIL import Image

from image_spider.imaging.content import content_kind
from image_spider.imaging.facts import FileFacts
from image_spider.imaging.features import Features, measure_features
from image_spider.imaging.hashes import Hashes, measure_hashes
from image_spider.imaging.rules import Verdict, evaluate
from image_spider.imaging.working_copy import WorkingCopy

SCORES_VERSION = 3
"""Version of every raw score and hash, stored with each image.

A change after which the same bytes give other scores or hashes is a new version; `scrapy reclassify --rescan` then
measures the stored files anew. What is made of the scores alone has a version of its own, RULES_VERSION.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Analysis:
    """Raw scores and hashes, which need the pixels, and verdict and content, which are made of the scores alone."""

    features: Features
    hashes: Hashes
    verdict: Verdict
    content: str


def analyse(image: Image.Image, copy: WorkingCopy, facts: FileFacts) -> Analysis:
    """Analyse the first frame of an image, decoded in full or at `draft_size`, not yet turned, and its working copy.

    Pure: the image is not changed. After a change of the rules, `evaluate` and `content_kind` are called again with
    the stored features; nothing else is needed.
    """
    features = measure_features(copy, facts)
    return Analysis(
        features=features,
        hashes=measure_hashes(image, copy, facts),
        verdict=evaluate(features),
        content=content_kind(features),
    )
