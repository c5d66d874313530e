"""A rescan: the stored files of the catalog's images measured anew, and their thumbnails made, several at a time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

from image_spider.catalog import measurements
from image_spider.catalog.catalog import Catalog
from image_spider.decoders import Decoders
from image_spider.exceptions import DamagedFile
from image_spider.imaging.describe import KEPT
from image_spider.items import Image
from image_spider.stores.paths import thumbnail_path
from image_spider.stores.store import Store
from image_spider.topics.labeller import Labeller

BATCH_IMAGES = 64  # what a kill repeats, about a second's work; their transaction takes a tenth of that
FILES_PER_PROCESS = 5  # read or being measured: what keeps the decoding processes busy; each is held in memory


@dataclass(frozen=True, slots=True)
class Rescanned:
    """What became of one batch: images measured and committed, and a line for each whose row was left as it was.

    damaged are the files that are missing or not what was stored, unmeasured those that could not be decoded or
    measured. Each line begins with the path of the file.
    """

    measured: int
    damaged: tuple[str, ...]
    unmeasured: tuple[str, ...]


class _Unmeasured(Exception):
    """The bytes are those that were stored, but measuring them failed."""


class Rescan:
    """Measures images anew by reading their files; `catalog.measurements` tells which, and how it resumes."""

    def __init__(
        self, *, catalog: Catalog, store: Store, decoders: Decoders, labeller: Labeller | None, link: bool
    ) -> None:
        self._catalog = catalog
        self._store = store
        self._decoders = decoders
        self._labeller = labeller
        self._label_model = labeller.model.name if labeller else None
        self._link = link
        self._files = asyncio.Semaphore(FILES_PER_PROCESS * decoders.processes)

    async def count(self) -> int:
        """Return how many images are left to measure."""
        return await asyncio.to_thread(self._count)

    async def batches(self) -> AsyncIterator[Rescanned]:
        """Measure what is left; yield each batch when it is committed.

        Raises CatalogError, DecodersError and LabelModelError. A file that fails is met once; the next rescan tries it
        again.
        """
        for stage in range(len(measurements.STAGES)):
            after = ""
            while images := await asyncio.to_thread(self._next, stage, after):
                outcomes = await asyncio.gather(*map(self._measure, images), return_exceptions=True)
                yield await self._write(outcomes)
                after = images[-1].sha256

    async def _write(self, outcomes: Sequence[Image | BaseException]) -> Rescanned:
        measured = [outcome for outcome in outcomes if isinstance(outcome, Image)]
        failed = [outcome for outcome in outcomes if isinstance(outcome, BaseException)]
        for error in failed:
            if not isinstance(error, DamagedFile | _Unmeasured):
                raise error
        write = partial(measurements.write_measurements, measured=measured, link=self._link)
        await asyncio.to_thread(self._catalog.transaction, write)
        return Rescanned(
            measured=len(measured),
            damaged=tuple(str(error) for error in failed if isinstance(error, DamagedFile)),
            unmeasured=tuple(str(error) for error in failed if isinstance(error, _Unmeasured)),
        )

    async def _measure(self, image: Image) -> Image:
        """Return the image with what its file tells now; raises DamagedFile and _Unmeasured."""
        side = self._labeller.model.side if self._labeller else None
        async with self._files:
            data = await asyncio.to_thread(self._store.read, image.path, size=image.bytes, sha256=image.sha256)
            description = await self._decoders.describe(data, "", label_side=side)
        understanding = description.understanding
        if understanding is None:
            kept = description.integrity in KEPT
            reason = description.detail if kept else f"{description.integrity}, {description.detail}"
            raise _Unmeasured(f"{self._store.place(image.path)}: {reason}")
        if description.thumbnail:
            path = thumbnail_path(image.path)
            await asyncio.to_thread(self._store.write, path, description.thumbnail, durable=False)
        if self._labeller and description.label_input is not None:
            topics = await self._labeller.label(description.label_input)
            understanding = replace(understanding, label_model=self._label_model, topics=topics)
        return replace(image, understanding=understanding)

    def _count(self) -> int:
        with self._catalog.reading() as connection:
            return measurements.count_outdated(connection, label_model=self._label_model)

    def _next(self, stage: int, after: str) -> Sequence[Image]:
        with self._catalog.reading() as connection:
            return measurements.next_outdated(
                connection, stage=stage, after=after, label_model=self._label_model, limit=BATCH_IMAGES
            )
