"""Images that are kept: checked, described, labelled and stored, away from the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from image_spider.exceptions import RefusedImage
from image_spider.imaging.describe import KEPT
from image_spider.stores.paths import thumbnail_path
from image_spider.topics.labeller import Labeller
from pipelines.stored_file import StoredFile, image_of, stored_file

if TYPE_CHECKING:
    from pathlib import Path

    from scrapy import Request

    from image_spider.decoders import Decoders
    from image_spider.items import Image, ImageItem, Topic
    from image_spider.spiders.images import ImagesSpider
    from image_spider.stores.store import Store

T = TypeVar("T")


class Keeper:
    """Has the store, the processes that decode, and the label model."""

    def __init__(
        self,
        *,
        spider: ImagesSpider,
        store: Store,
        decoders: Decoders,
        label_model: Path | None,
        label_threads: int,
    ) -> None:
        self._spider = spider
        self._images = store
        self._decoders = decoders
        self._disk = ThreadPoolExecutor(max_workers=store.threads, thread_name_prefix="images")
        self._label_model = label_model
        self._label_threads = label_threads
        self._labeller: Labeller | None = None

    async def open(self, *, downloads: bool) -> None:
        """Open the store, and what downloads need; raises UsageError and StoreError."""
        await self._in_thread(self._images.open)
        if downloads:
            await self._in_thread(self._decoders.start)
        if self._label_model and downloads:
            self._labeller = await Labeller.load(self._label_model, threads=self._label_threads)

    async def close(self) -> None:
        """Let the processes and threads end."""
        await asyncio.to_thread(self._decoders.close)
        if self._labeller:
            self._labeller.close()
        await asyncio.to_thread(self._disk.shutdown)
        await asyncio.to_thread(self._images.close)

    @property
    def label_model(self) -> str:
        """The name of the label model; empty for none."""
        return self._labeller.model.name if self._labeller else ""

    async def has(self, image: Image) -> bool:
        """Tell whether the store has the whole file of an image."""
        return await self._in_thread(self._images.size, image.path) == image.bytes

    def wants(self, item: ImageItem, topics: tuple[Topic, ...]) -> bool:
        """Tell whether the crawl is about the image; without a label model the spider has decided that by words."""
        return not self._labeller or self._spider.wants(item, topics)

    async def keep(self, request: Request, item: ImageItem, data: bytes, content_type: str) -> StoredFile:
        """Describe the bytes, in another process, label the picture, and store the bytes of one that is wanted.

        Raises RefusedImage for one that is not to be kept.
        """
        labeller = self._labeller
        side = labeller.model.side if labeller else None
        description = await self._decoders.describe(data, content_type, label_side=side)
        if description.integrity not in KEPT:
            raise RefusedImage(description.integrity, description.detail)
        understanding = description.understanding
        topics: tuple[Topic, ...] = ()
        if labeller and description.label_input is not None:
            topics = await labeller.label(description.label_input)
            if understanding:
                understanding = replace(understanding, label_model=labeller.model.name, topics=topics)
        if not self.wants(item, topics):
            refusal = self._spider.refusal(item)
            raise RefusedImage(refusal.cause, refusal.detail)
        image = image_of(description, size=len(data), understanding=understanding)
        new = await self._in_thread(self._write, image.path, data, description.thumbnail)
        return stored_file(request, image, "downloaded" if new else "unchanged", topics)

    def _write(self, path: str, data: bytes, thumbnail: bytes | None) -> bool:
        new = self._images.write(path, data)
        if thumbnail:
            self._images.write(thumbnail_path(path), thumbnail, durable=False)
        return new

    async def _in_thread(self, function: Callable[..., T], *arguments: object) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._disk, function, *arguments)
