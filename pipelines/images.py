"""Scrapy's ImagesPipeline, mended: original bytes, true types, whole files, and a cause for every failure."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar, cast

from scrapy import Request
from scrapy.exceptions import DropItem
from scrapy.http.request import NO_CALLBACK
from scrapy.pipelines.images import ImagesPipeline as ScrapyImagesPipeline
from scrapy.pipelines.media import FileInfo, _MediaRequestFiltered
from scrapy.utils.datatypes import LocalCache
from scrapy.utils.url import strip_url

from image_spider import causes, config
from image_spider.budget import Budget
from image_spider.decoders import Decoders
from image_spider.exceptions import CatalogError, RefusedImage, StoreError
from image_spider.imaging.describe import KEPT
from image_spider.items import Image, ImageItem
from image_spider.stores.local import LocalStore
from image_spider.stores.paths import image_path, thumbnail_path
from pipelines.catalog import CatalogPipeline

if TYPE_CHECKING:
    from typing import Self

    from scrapy import Spider
    from scrapy.crawler import Crawler
    from scrapy.http import Response
    from scrapy.pipelines.files import FilesStoreProtocol
    from scrapy.pipelines.media import FileInfoOrError, MediaPipeline
    from twisted.python.failure import Failure as TwistedFailure

    from image_spider.spiders.images import ImagesSpider

T = TypeVar("T")

DISK_THREADS = 4  # an fsync takes milliseconds, during which others can go on
WAITING_BODIES = 8  # what keeps the decoding processes busy
SEEN_MEDIA = 20_000  # results remembered by URL, about 1 kB each; Scrapy's own dictionary never ends


class MediaFailed(_MediaRequestFiltered):
    """Carries the error of a candidate to item_completed.

    It derives from the one exception that Scrapy's media pipeline does not log with a traceback.
    """

    def __init__(self, error: BaseException) -> None:
        super().__init__(str(error))
        self.error = error


class StoredFile(FileInfo):
    """Scrapy's record of a file, with the image that it holds."""

    image: Image


class ImagesPipeline(ScrapyImagesPipeline):
    """Fetch the candidate of each ImageItem, store its original bytes and fill in its image or its failure."""

    def __init__(self, *, crawler: Crawler, store: LocalStore, decoders: Decoders, expires_days: int) -> None:
        super().__init__(str(store.root), crawler=crawler)
        self._images = store
        self._decoders = decoders
        self._disk = ThreadPoolExecutor(max_workers=DISK_THREADS, thread_name_prefix="images")
        # Bodies that wait to be decoded are memory: while this many candidates are under way, the next one waits, and
        # with its downloads the engine stops asking for pages.
        self._under_way = asyncio.Semaphore(crawler.settings.getint("CONCURRENT_REQUESTS") + WAITING_BODIES)
        self._expires = timedelta(days=expires_days)

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Read the IMAGES_ settings."""
        settings = config.from_settings(crawler.settings)
        return cls(
            crawler=crawler,
            store=LocalStore(settings.IMAGES_STORE),
            decoders=Decoders(settings),
            expires_days=settings.IMAGES_EXPIRES,
        )

    def _get_store(self, uri: str) -> FilesStoreProtocol:
        """Keep Scrapy from making a store of its own: ours is named by content, not by URL."""
        return cast("FilesStoreProtocol", None)

    async def open_spider(self, spider: Spider | None = None) -> None:  # type: ignore[override]
        """Open the store; raises StoreError when it cannot be written."""
        super().open_spider()
        self.spiderinfo.downloaded = LocalCache(limit=SEEN_MEDIA)
        self._spider = cast("ImagesSpider", self.crawler.spider)
        self._catalog = cast("CatalogPipeline", self.crawler.get_item_pipeline(CatalogPipeline))
        await self._in_thread(self._images.open)
        self._budget = Budget(self._spider.crawl.max_images, seen=await self._catalog.images_before())

    def close_spider(self) -> None:
        """Let the processes and threads end."""
        self._decoders.close()
        self._disk.shutdown()

    async def process_item(self, item: Any, spider: Spider | None = None) -> Any:
        """Fill in item.image or item.failure; pass what is no candidate, or by request not downloaded."""
        if not isinstance(item, ImageItem) or item.failure or not self._spider.crawl.download:
            return item
        async with self._budget.place() as free:
            if not free:
                raise DropItem("max_images is reached", log_level="DEBUG")
            async with self._under_way:
                await super().process_item(item)
        if self._budget.spent:
            self._spider.stop("max_images")
        return item

    def get_media_requests(self, item: Any, info: MediaPipeline.SpiderInfo) -> list[Request]:
        """Return the request for the candidate, with its page as referrer: some sites refuse strangers."""
        headers = {"Referer": strip_url(item.page_url)}
        return [Request(item.candidate.url, headers=headers, callback=NO_CALLBACK)]

    async def media_to_download(  # type: ignore[override]
        self, request: Request, info: MediaPipeline.SpiderInfo, *, item: Any = None
    ) -> StoredFile | None:
        """Return what needs no download: bytes that came with the candidate, or a fresh image of the catalog."""
        try:
            if item.candidate.data is not None:
                image = await self._keep(item.candidate.data, item.candidate.media_type)
                return _stored_file(request, image, "downloaded")
            known = await self._catalog.image_at_url(request.url, since=datetime.now(UTC) - self._expires)
            if known and await self._in_thread(self._images.size, known.path) == known.bytes:
                return _stored_file(request, known, "uptodate")
        except (RefusedImage, StoreError, CatalogError) as error:
            raise MediaFailed(error) from error
        return None

    async def media_downloaded(
        self, response: Response, request: Request, info: MediaPipeline.SpiderInfo, *, item: Any = None
    ) -> StoredFile:
        """Check and store the bytes; raises RefusedImage when they are not an image to keep."""
        if response.status != 200:
            raise RefusedImage(causes.STATUS, f"HTTP {response.status}")
        content_type = (response.headers.get("Content-Type") or b"").decode("latin-1")
        image = await self._keep(response.body, content_type)
        return _stored_file(request, image, "downloaded")

    def media_failed(self, failure: TwistedFailure, request: Request, info: MediaPipeline.SpiderInfo) -> NoReturn:
        """Carry the error on."""
        raise MediaFailed(cast("BaseException", failure.value))

    def item_completed(self, results: list[FileInfoOrError], item: Any, info: MediaPipeline.SpiderInfo) -> Any:
        """Fill in the item's image or failure; a store or a catalog that fails stops the crawl."""
        ((ok, result),) = results
        item.candidate = replace(item.candidate, data=None)  # the bytes are on disk, and no feed could hold them
        if ok:
            file = cast("StoredFile", result)
            item.image = file["image"]
            self._count_image(file)
            return item
        error = cast("TwistedFailure", result).value
        error = error.error if isinstance(error, MediaFailed) else error
        if isinstance(error, (StoreError, CatalogError)):
            self._spider.abort(error)
            raise DropItem(str(error), log_level="DEBUG")
        item.failure = causes.of(cast("BaseException", error))
        return item

    async def _keep(self, data: bytes, content_type: str) -> Image:
        """Describe the bytes, in another process, and store them."""
        description = await self._decoders.describe(data, content_type)
        if description.integrity not in KEPT:
            raise RefusedImage(description.integrity, description.detail)
        sha256 = hashlib.sha256(data).hexdigest()
        path = image_path(sha256, description.extension)
        await self._in_thread(self._write, path, data, description.thumbnail)
        return Image(
            sha256=sha256,
            path=path,
            format=description.format,
            width=description.width,
            height=description.height,
            bytes=len(data),
            frames=description.frames,
            orientation=description.orientation,
            size_class=description.size_class,
            shape=description.shape,
            integrity=description.integrity,
        )

    def _write(self, path: str, data: bytes, thumbnail: bytes | None) -> None:
        self._images.write(path, data)
        if thumbnail:
            self._images.write(thumbnail_path(path), thumbnail, durable=False)

    def _count_image(self, file: StoredFile) -> None:
        stats = self.crawler.stats
        if not self._budget.count(file["image"].sha256):
            stats.inc_value("images/duplicate")
        elif file["status"] == "uptodate":
            stats.inc_value("images/known")
        else:
            stats.inc_value("images/stored")
            stats.inc_value("images/bytes", file["image"].bytes)

    async def _in_thread(self, function: Callable[..., T], *arguments: object) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._disk, function, *arguments)


def _stored_file(request: Request, image: Image, status: str) -> StoredFile:
    return {"url": request.url, "path": image.path, "checksum": image.sha256, "status": status, "image": image}
