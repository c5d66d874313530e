"""Scrapy's ImagesPipeline, mended: original bytes, true types, whole files, and a cause for every failure."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any, NoReturn, Self, TypeVar, cast

from scrapy import Request
from scrapy.exceptions import DropItem
from scrapy.http.request import NO_CALLBACK
from scrapy.pipelines.images import ImagesPipeline as ScrapyImagesPipeline
from scrapy.pipelines.media import _MediaRequestFiltered
from scrapy.spidermiddlewares.referer import StrictOriginWhenCrossOriginPolicy
from scrapy.utils.datatypes import LocalCache

from image_spider import causes, config
from image_spider.budget import Budget
from image_spider.decoders import Decoders
from image_spider.exceptions import CatalogError, DecodersError, LabelModelError, RefusedImage, StoreError, UsageError
from image_spider.extensions.job_directory import JobDirectory
from image_spider.imaging.describe import KEPT
from image_spider.items import Image, ImageItem, Topic
from image_spider.spiders.images import images_spider
from image_spider.stores.local import LocalStore
from image_spider.stores.paths import thumbnail_path
from image_spider.topics.labeller import Labeller
from image_spider.unfinished import Halted, Unfinished
from pipelines.catalog import CatalogPipeline
from pipelines.image_counts import count_image
from pipelines.image_downloads import ImageDownloads
from pipelines.stored_file import StoredFile, image_of, stored_file

if TYPE_CHECKING:
    from pathlib import Path

    from scrapy import Spider
    from scrapy.crawler import Crawler
    from scrapy.http import Response
    from scrapy.pipelines.files import FilesStoreProtocol
    from scrapy.pipelines.media import FileInfoOrError, MediaPipeline
    from twisted.python.failure import Failure as TwistedFailure

    from image_spider.frontier.claims import Claims

T = TypeVar("T")

DISK_THREADS = 4  # an fsync takes milliseconds, during which others can go on
RECENT_CRAWLS = 100  # whose duplicates a worker of a fleet counts
SEEN_MEDIA = 20_000  # results remembered by URL, about 1 kB each; Scrapy's own dictionary never ends
ENDS_THE_CRAWL = (DecodersError, LabelModelError, StoreError, CatalogError)
REFERRER = StrictOriginWhenCrossOriginPolicy()  # what browsers send


class MediaFailed(_MediaRequestFiltered):
    """Carries the error of a candidate to item_completed.

    It derives from the one exception that Scrapy's media pipeline does not log with a traceback.
    """

    def __init__(self, error: BaseException) -> None:
        super().__init__(str(error))
        self.error = error


class ImagesPipeline(ScrapyImagesPipeline):
    """Fetch the candidate of each ImageItem, store its original bytes and fill in its image or its failure."""

    def __init__(
        self,
        *,
        crawler: Crawler,
        store: LocalStore,
        decoders: Decoders,
        label_model: Path | None,
        label_threads: int,
    ) -> None:
        super().__init__(str(store.root), crawler=crawler)
        self._spider = images_spider(crawler)
        self._images = store
        self._decoders = decoders
        self._disk = ThreadPoolExecutor(max_workers=DISK_THREADS, thread_name_prefix="images")
        self._label_model = label_model
        self._label_threads = label_threads
        self._labeller: Labeller | None = None

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Read the IMAGES_ and LABEL_ settings; off for other spiders than ours."""
        images_spider(crawler)
        settings = config.from_settings(crawler.settings)
        return cls(
            crawler=crawler,
            store=LocalStore(settings.IMAGES_STORE),
            decoders=Decoders(settings),
            label_model=settings.LABEL_MODEL,
            label_threads=settings.LABEL_THREADS,
        )

    def _get_store(self, uri: str) -> FilesStoreProtocol:
        """Keep Scrapy from making a store of its own: ours is named by content, not by URL."""
        return cast("FilesStoreProtocol", None)

    async def open_spider(self, spider: Spider | None = None) -> None:  # type: ignore[override]
        """Open the store and load the label model; the crawl ends at once when one of them cannot be used."""
        super().open_spider()
        self.spiderinfo.downloaded = LocalCache(limit=SEEN_MEDIA)
        self._catalog = cast("CatalogPipeline", self.crawler.get_item_pipeline(CatalogPipeline))
        self._job = self.crawler.get_extension(JobDirectory)
        self._downloads = ImageDownloads(crawler=self.crawler, spider=self._spider)
        self._claims: Claims | None = getattr(self.crawler.engine.scheduler, "claims", None)  # in a fleet alone
        self._budgets: LocalCache[str, Budget] = LocalCache(limit=RECENT_CRAWLS)
        crawl = self._spider.crawl
        try:
            await self._in_thread(self._images.open)
            downloads = crawl is None or crawl.download or self._spider.in_fleet
            if downloads:
                await self._in_thread(self._decoders.start)
            if self._label_model and downloads:
                self._labeller = await Labeller.load(self._label_model, threads=self._label_threads)
            if crawl and not self._spider.in_fleet:
                self._budgets[crawl.id] = Budget(crawl.max_images, seen=await self._catalog.images_before())
        except (UsageError, StoreError, CatalogError) as error:
            self._spider.abort(error)

    async def close_spider(self) -> None:
        """Let the processes and threads end."""
        await asyncio.to_thread(self._decoders.close)
        if self._labeller:
            self._labeller.close()
        self._disk.shutdown()

    async def process_item(self, item: Any, spider: Spider | None = None) -> Any:
        """Fill in item.image or item.failure; pass what is no candidate or was refused already."""
        if not isinstance(item, ImageItem):
            return item
        self.crawler.stats.inc_value("images/found")
        if item.failure:
            return item
        budget, served = self._budget_of(item), self._spider.crawls[item.crawl_id]
        async with budget.place() as free:
            if not free:
                raise DropItem("max_images is reached", log_level="DEBUG")
            if self._spider.stopping or served.halted:
                self._leave(item)
            if self._claims:
                await self._claims.take(item)
            if served.crawl.download and not item.failure:
                await self._fetch(item)
            elif not item.failure:
                budget.count(item.candidate.url)
        if budget.spent:
            self._spider.stop("max_images")
        return item

    def _budget_of(self, item: ImageItem) -> Budget:
        """Return the budget of the item's crawl; in a fleet the limit is that of the claims."""
        if item.crawl_id not in self._budgets:
            self._budgets[item.crawl_id] = Budget(None)
        return self._budgets[item.crawl_id]

    async def _fetch(self, item: ImageItem) -> None:
        """Download, check and store the candidate of an item.

        Scrapy fetches a URL once and gives all its candidates one result. A refusal for its topic may be due to the
        words beside the first one, so a candidate whose own words match asks once more; so does one of a crawl that has
        other categories.
        """
        candidate = item.candidate
        try:
            await super().process_item(item)
        except Unfinished:
            self._forget(item)  # what was taken back from the downloader is no result
            raise
        refused = item.failure and item.failure.cause == causes.TOPIC
        if refused and (self._spider.wants(item) or item.failure != self._spider.refusal(item)):
            item.candidate, item.failure = candidate, None
            self._forget(item)
            await super().process_item(item)

    def _forget(self, item: ImageItem) -> None:
        """Let the URL of a candidate be asked for once more."""
        (request,) = self.get_media_requests(item, self.spiderinfo)
        self.spiderinfo.downloaded.pop(self._fingerprinter.fingerprint(request), None)

    def get_media_requests(self, item: Any, info: MediaPipeline.SpiderInfo) -> list[Request]:
        """Return the request for the candidate, with a referrer as browsers send it: some sites refuse strangers."""
        url = item.candidate.url
        referrer = REFERRER.referrer(item.page_url, url)
        headers, meta = {"Referer": referrer} if referrer else None, {"crawl_id": item.crawl_id}
        request = Request(url, headers=headers, meta=meta, callback=NO_CALLBACK)
        self._modify_media_request(request)
        return [request]

    async def media_to_download(  # type: ignore[override]
        self, request: Request, info: MediaPipeline.SpiderInfo, *, item: Any = None
    ) -> StoredFile:
        """Return the candidate's file: from its own bytes, from the catalog when that has a fresh one, or downloaded.

        One that the label model has not seen is downloaded again. Scrapy would download at once what this returns
        nothing for; here a download waits for its turn.
        """
        try:
            if item.candidate.data is not None:
                async with self._downloads.under_way:
                    return await self._keep(request, item, item.candidate.data, item.candidate.media_type)
            known = await self._catalog.image_at_url(request.url)
            if known and await self._in_thread(self._images.size, known.path) == known.bytes:
                topics = await self._known_topics(known)
                if topics is not None:
                    return stored_file(request, known, "uptodate", topics)
        except (RefusedImage, *ENDS_THE_CRAWL) as error:
            raise MediaFailed(error) from error
        try:
            served, keep = self._spider.crawls[item.crawl_id], partial(self.media_downloaded, info=info, item=item)
            return await self._downloads.fetch(request, served, lambda response: keep(response, request))
        except Exception as error:  # whatever it is, it is what became of this candidate
            raise MediaFailed(error) from error

    async def _known_topics(self, known: Image) -> tuple[Topic, ...] | None:
        """Return what the label model told of a known image; None when it has not seen it and has to."""
        if not self._labeller:
            return ()
        return await self._catalog.model_topics(known.sha256, label_model=self._labeller.model.name)

    async def media_downloaded(
        self, response: Response, request: Request, info: MediaPipeline.SpiderInfo, *, item: Any = None
    ) -> StoredFile:
        """Check and store the bytes; raises RefusedImage when they are not an image to keep."""
        if response.status != 200:
            raise RefusedImage(causes.STATUS, f"HTTP {response.status}")
        content_type = (response.headers.get("Content-Type") or b"").decode("latin-1")
        return await self._keep(request, item, response.body, content_type)

    def item_completed(self, results: list[FileInfoOrError], item: Any, info: MediaPipeline.SpiderInfo) -> Any:
        """Fill in the item's image or failure; what ends the crawl is no failure of the image."""
        ((ok, result),) = results
        item.candidate = replace(item.candidate, data=None)  # the bytes are on disk, and no feed could hold them
        if ok:
            file = cast("StoredFile", result)
            if not self._wants(item, file["topics"]):
                item.failure = self._spider.refusal(item)
                return item
            item.image = file["image"]
            item.fetched_at = None if file["status"] == "uptodate" else datetime.now(UTC)
            new = self._budget_of(item).count(file["image"].sha256)
            count_image(self.crawler.stats, file, new=new)
            return item
        error = cast("TwistedFailure", result).value
        error = error.error if isinstance(error, MediaFailed) else error
        if isinstance(error, ENDS_THE_CRAWL):
            self._spider.abort(error)
            self._leave(item)
        if isinstance(error, Halted):
            self._leave(item)
        item.failure = causes.of(cast("BaseException", error))
        return item

    async def _keep(self, request: Request, item: ImageItem, data: bytes, content_type: str) -> StoredFile:
        """Describe the bytes, in another process, label the picture, and store the bytes of one that is wanted."""
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
        if not self._wants(item, topics):
            refusal = self._spider.refusal(item)
            raise RefusedImage(refusal.cause, refusal.detail)
        image = image_of(description, size=len(data), understanding=understanding)
        new = await self._in_thread(self._write, image.path, data, description.thumbnail)
        return stored_file(request, image, "downloaded" if new else "unchanged", topics)

    def _wants(self, item: ImageItem, topics: tuple[Topic, ...]) -> bool:
        """Tell whether the crawl is about the image; without a label model the spider has decided that by words."""
        return not self._labeller or self._spider.wants(item, topics)

    def _write(self, path: str, data: bytes, thumbnail: bytes | None) -> bool:
        new = self._images.write(path, data)
        if thumbnail:
            self._images.write(thumbnail_path(path), thumbnail, durable=False)
        return new

    def _leave(self, item: ImageItem) -> NoReturn:
        """Drop a candidate that the end of the crawl overtook; a resumed crawl reads its page again."""
        if self._job:
            self._job.leave_unfinished(item.page_url)
        raise Unfinished(self._spider.crawls[item.crawl_id].halted or "the crawl is ending")

    async def _in_thread(self, function: Callable[..., T], *arguments: object) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._disk, function, *arguments)
