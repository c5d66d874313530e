"""A label model for many callers: pictures gathered into batches, off the event loop."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from image_spider.batches import Batches
from image_spider.items import Topic
from image_spider.topics.model import LabelModel

# As many as Scrapy downloads at a time. Measured on one core, a network of 11 million weights: 27.8 images/s one by
# one, 29.1 by 16, 29.0 by 32. What a batch saves is the way to the thread and back, which counts for small networks.
BATCH_IMAGES = 16
BATCH_SECONDS = 0.02  # that a picture waits for others; while the model runs they gather by themselves


class Labeller:
    """Runs a label model in one thread of its own."""

    def __init__(self, model: LabelModel) -> None:
        self.model = model
        self._batches: Batches[NDArray[np.uint8], tuple[Topic, ...]] = Batches(
            model.label, max_records=BATCH_IMAGES, max_seconds=BATCH_SECONDS, thread_name="labels"
        )

    @classmethod
    async def load(cls, path: Path, *, threads: int) -> Self:
        """Load the model in a thread: reading and preparing it takes seconds. Raises UsageError."""
        return cls(await asyncio.to_thread(LabelModel.load, path, threads=threads))

    async def label(self, image: NDArray[np.uint8]) -> tuple[Topic, ...]:
        """Return the topics of one RGB picture [side, side, 3]; raises LabelModelError."""
        return await self._batches.add(image)

    def close(self) -> None:
        """Let the thread end; nobody may wait in label() any more."""
        self._batches.close()
