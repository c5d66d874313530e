"""Scrapy's ImagesPipeline, mended: original bytes, true types, whole files, and a cause for every failure."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Self, cast

from scrapy import Request
from scrapy.exceptions import DropItem
from scrapy.http import Response
from scrapy.http.request import NO_CALLBACK
from scrapy.pipelines.images import ImagesPipeline as ScrapyImagesPipeline
from scrapy.pipelines.media import _MediaRequestFiltered
from scrapy.spidermiddlewares.referer import StrictOriginWhenCrossOriginPolicy
from scrapy.utils.datatypes import LocalCache

from image_spider import causes, config
from image_spider.budget import Budget
from image_spider.decoders import Decoders
from image_spider.delayed import delayed, take_delay
from image_spider.exceptions import CatalogError, DecodersError, LabelModelError, RefusedImage, StoreError, UsageError
from image_spider.extensions.retries import Retries
from image_spider.items import Failure, Image, ImageItem, Topic
from image_spider.politeness.host_down import HostClosed
from image_spider.politeness.politeness import turn_of_image
from image_spider.politeness.turns import patience
from image_spider.recent import Recent
from image_spider.spiders.images import images_spider
from image_spider.stores.opening import images_store
from image_spider.unfinished import Halted
from pipelines.catalog import CatalogPipeline
from pipelines.image_counts import count_image
from pipelines.keeper import Keeper
from pipelines.left_undone import LeftUndone
from pipelines.stored_file import StoredFile, stored_file

if TYPE_CHECKING:
    from scrapy import Spider
    from scrapy.crawler import Crawler
    from scrapy.pipelines.files import FilesStoreProtocol
    from scrapy.pipelines.media import FileInfoOrError, MediaPipeline
    from twisted.python.failure import Failure as TwistedFailure

    from image_spider.frontier.claims import Claims
    from image_spider.stores.store import Store

WAITING_BODIES = 8  # what keeps the decoding processes busy
RECENT_CRAWLS = 100  # whose duplicates a worker of a fleet counts
SEEN_MEDIA = 20_000  # results remembered by URL, about 1 kB each
ENDS_THE_CRAWL = (DecodersError, LabelModelError, StoreError, CatalogError)
NO_RESULT = (Halted, HostClosed, *ENDS_THE_CRAWL)  # the next candidate of the URL is to find out for itself
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

    def __init__(self, *, crawler: Crawler, store: Store, keeper: Keeper) -> None:
        super().__init__(store.name, crawler=crawler)
        self._spider = images_spider(crawler)
        self._keeper = keeper
        self._result_seconds = config.from_settings(crawler.settings).CLAIM_RESULT_SECONDS
        # Bodies that wait to be decoded are memory: while this many candidates are under way, the next one waits, and
        # with its downloads the engine stops asking for pages.
        self._under_way = asyncio.Semaphore(crawler.settings.getint("CONCURRENT_REQUESTS") + WAITING_BODIES)

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Read the IMAGES_ and LABEL_ settings; off for other spiders than ours."""
        images_spider(crawler)
        settings = config.from_settings(crawler.settings)
        spider, store = images_spider(crawler), images_store(settings)
        store.give_up_when(lambda: spider.stopping)
        keeper = Keeper(
            spider=spider,
            store=store,
            decoders=Decoders(settings),
            label_model=settings.LABEL_MODEL,
            label_threads=settings.LABEL_THREADS,
        )
        return cls(crawler=crawler, store=store, keeper=keeper)

    def _get_store(self, uri: str) -> FilesStoreProtocol:
        """Keep Scrapy from making a store of its own: ours is named by content, not by URL."""
        return cast("FilesStoreProtocol", None)

    async def open_spider(self, spider: Spider | None = None) -> None:  # type: ignore[override]
        """Open the store and load the label model; the crawl ends at once when one of them cannot be used."""
        super().open_spider()
        # Scrapy's dictionary of results never ends. One that forgets would fail candidates with a KeyError, for Scrapy
        # looks whether it has a result, waits, and then reads it: so this one has none, and _results has them.
        self.spiderinfo.downloaded = LocalCache(limit=0)
        self._results: LocalCache[bytes, tuple[float, StoredFile | Failure]] = LocalCache(limit=SEEN_MEDIA)
        self._catalog = cast("CatalogPipeline", self.crawler.get_item_pipeline(CatalogPipeline))
        self._undone = LeftUndone(self.crawler)
        self._retries = Retries.of(self.crawler)
        self._claims: Claims | None = getattr(self.crawler.engine.scheduler, "claims", None)  # in a fleet alone
        self._budgets: Recent[str, Budget] = Recent(limit=RECENT_CRAWLS)
        crawl = self._spider.crawl
        try:
            await self._keeper.open(downloads=crawl is None or crawl.download or self._spider.in_fleet)
            if crawl and not self._spider.in_fleet:
                self._budgets[crawl.id] = Budget(crawl.max_images, seen=await self._catalog.images_before())
        except (UsageError, StoreError, CatalogError) as error:
            self._spider.abort(error)

    async def close_spider(self) -> None:
        """Let the processes and threads end."""
        await self._keeper.close()

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
                self._undone.leave(item)
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
        budget = self._budgets[item.crawl_id] = self._budgets.get(item.crawl_id) or Budget(None)
        return budget

    async def _fetch(self, item: ImageItem) -> None:
        """Download, check and store the candidate of an item.

        Scrapy fetches a URL once and gives all its candidates one result. A refusal for its topic may be due to the
        words beside the first one, so a candidate whose own words match asks once more; so does one of a crawl that has
        other categories.
        """
        candidate = item.candidate
        if candidate.source == "start":  # somebody asks for this very image: its file may have been lost meanwhile
            self._forget(item)
        await super().process_item(item)
        refused = item.failure and item.failure.cause == causes.TOPIC
        if refused and (self._spider.wants(item) or item.failure != self._spider.refusal(item)):
            item.candidate, item.failure = candidate, None
            self._forget(item)
            await super().process_item(item)

    def _forget(self, item: ImageItem) -> None:
        """Let the URL of a candidate be asked for once more."""
        (request,) = self.get_media_requests(item, self.spiderinfo)
        self._results.pop(self._fingerprinter.fingerprint(request), None)

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
        """Return the file of a candidate, or raise MediaFailed; what became of its URL is known for a time.

        Scrapy would download at once what this returns nothing for; here a download has to wait, for its retries.
        """
        key = self._fingerprinter.fingerprint(request)
        at, known = self._results.get(key, (0.0, None))
        if known and at > time.monotonic() - self._result_seconds:
            if not isinstance(known, Failure):
                return known
            if item.candidate.data is None:  # else there are bytes to look at
                raise MediaFailed(RefusedImage(known.cause, known.detail))
        try:
            file = await self._file(request, info, item)
        except MediaFailed as failed:
            failure = causes.of(failed.error)
            if not isinstance(failed.error, NO_RESULT) and failure.cause != causes.QUOTA:
                self._results[key] = time.monotonic(), failure
            raise
        self._results[key] = time.monotonic(), file
        return file

    async def _file(self, request: Request, info: MediaPipeline.SpiderInfo, item: ImageItem) -> StoredFile:
        """Return the candidate's file: from its own bytes, from the catalog when that has a fresh one, or downloaded.

        One that the label model has not seen is downloaded again, to be shown to it.
        """
        try:
            if item.candidate.data is not None:
                async with self._under_way:
                    return await self._keeper.keep(request, item, item.candidate.data, item.candidate.media_type)
            known = await self._catalog.image_at_url(request.url)
            if known and await self._keeper.has(known):
                topics = await self._known_topics(known)
                if topics is not None:
                    return stored_file(request, known, "uptodate", topics)
        except (RefusedImage, *ENDS_THE_CRAWL) as error:
            raise MediaFailed(error) from error
        try:
            return await self._download(request, info, item)
        except Exception as error:  # whatever it is, it is what became of this candidate
            raise MediaFailed(error) from error

    async def _download(self, request: Request, info: MediaPipeline.SpiderInfo, item: ImageItem) -> StoredFile:
        """Download a candidate; what is to be tried again waits here, with no place of the downloader or of ours."""
        served = self._spider.crawls[item.crawl_id]

        def halted() -> str:
            return served.halted or ("the crawl is ending" if self._spider.stopping else "")

        while True:
            if reason := halted():
                raise Halted(reason)
            async with turn_of_image(self._spider, request), self._under_way:
                if reason := halted():
                    raise Halted(reason)
                try:
                    response = await self._retries.try_once(request)
                except HostClosed as closed:  # that of its robots.txt, or where a redirect leads
                    if closed.seconds > patience(request, image=True):
                        raise
                    response = delayed(request.copy(), closed.seconds)
                if isinstance(response, Response):
                    return await self.media_downloaded(response, request, info, item=item)
            request = response
            await self._retries.pauses.pause(take_delay(request), halted)

    async def _known_topics(self, known: Image) -> tuple[Topic, ...] | None:
        """Return what the label model told of a known image; None when it has not seen it and has to."""
        if not self._keeper.label_model:
            return ()
        return await self._catalog.model_topics(known.sha256, label_model=self._keeper.label_model)

    async def media_downloaded(
        self, response: Response, request: Request, info: MediaPipeline.SpiderInfo, *, item: Any = None
    ) -> StoredFile:
        """Check and store the bytes; raises RefusedImage when they are not an image to keep."""
        if response.status != 200:
            raise RefusedImage(causes.STATUS, f"HTTP {response.status}")
        content_type = (response.headers.get("Content-Type") or b"").decode("latin-1")
        return await self._keeper.keep(request, item, response.body, content_type)

    def item_completed(self, results: list[FileInfoOrError], item: Any, info: MediaPipeline.SpiderInfo) -> Any:
        """Fill in the item's image or failure; what ends the crawl is no failure of the image."""
        ((ok, result),) = results
        item.candidate = replace(item.candidate, data=None)  # the bytes are on disk, and no feed could hold them
        if ok:
            file = cast("StoredFile", result)
            if not self._keeper.wants(item, file["topics"]):
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
            self._undone.leave(item)
        if isinstance(error, Halted):
            self._undone.leave(item)
        if isinstance(error, HostClosed):
            self._undone.postpone(error)
        item.failure = causes.of(cast("BaseException", error))
        return item
