"""Data items of a container's task into its output folder."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Self

from scrapy.exceptions import NotConfigured

from image_spider.batches import Batches
from image_spider.exceptions import StoreError
from image_spider.items import ImageItem
from image_spider.spiders.images import images_spider
from image_spider.task.records import Kind, PageRecord, Record, image_record, page_record
from image_spider.unfinished import Unfinished

if TYPE_CHECKING:
    from scrapy.crawler import Crawler

BATCH_RECORDS = 200
BATCH_SECONDS = 0.2


class TaskOutput:
    """Writes pages, and images after the catalog has them; the crawl ends when the folder cannot be written."""

    def __init__(self, crawler: Crawler) -> None:
        self._spider = images_spider(crawler)
        if self._spider.task is None:
            raise NotConfigured
        self._task = self._spider.task
        self._batches: Batches[tuple[Kind, Record], None] = Batches(
            self._write, max_records=BATCH_RECORDS, max_seconds=BATCH_SECONDS, thread_name="task-output"
        )

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Serve a task; off without one."""
        return cls(crawler)

    def close_spider(self) -> None:
        """Let the thread end."""
        self._batches.close()

    async def process_item(self, item: Any) -> Any:
        """Write the item, then let it go on."""
        if isinstance(item, PageRecord):
            await self._add(("page", page_record(item)))
        elif isinstance(item, ImageItem) and item.image:
            await self._add(("image", image_record(item)))
        return item

    async def _add(self, record: tuple[Kind, Record]) -> None:
        try:
            await self._batches.add(record)
        except StoreError as error:
            self._spider.abort(error)
            raise Unfinished(str(error)) from error
        self._task.progress.add_items(1)

    def _write(self, records: Sequence[tuple[Kind, Record]]) -> list[None]:
        self._task.output.write(records)
        return [None] * len(records)
