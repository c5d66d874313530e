"""The pages of a container's task: their fields, and how many of them are done."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Self

from scrapy import Request, signals
from scrapy.exceptions import NotConfigured
from scrapy.http import HtmlResponse

from image_spider.fields import extract_fields
from image_spider.items import Failure, ImageItem, PageItem
from image_spider.spiders.images import images_spider
from image_spider.task.records import PageRecord

if TYPE_CHECKING:
    from scrapy.crawler import Crawler
    from scrapy.http import Response

    from image_spider.task.task import ContainerTask


class TaskPages:
    """A spider middleware: adds a PageRecord to what a page gives, and takes away images and links that are not wanted.

    Links have the places of max_pages that the targets leave; one that only Scrapy's filter takes for known, by another
    spelling, takes a place for nothing. A page is counted as read once its links and candidates are with Scrapy; its
    images come after it.
    """

    def __init__(self, task: ContainerTask) -> None:
        self._task = task
        self._queued = ""  # the URL that the request under way to the scheduler has made known
        self._admitted = set(map(hash, task.crawl.start_urls))  # not used without max_pages, which bounds it
        self._places = (task.max_pages or 0) - len(self._admitted)  # for links

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Watch the crawl of a task; off without one."""
        task = images_spider(crawler).task
        if task is None:
            raise NotConfigured
        middleware = cls(task)
        crawler.signals.connect(middleware.request_scheduled, signals.request_scheduled)
        crawler.signals.connect(middleware.request_dropped, signals.request_dropped)
        crawler.signals.connect(middleware.request_reached_downloader, signals.request_reached_downloader)
        crawler.signals.connect(middleware.item_dropped, signals.item_dropped)
        crawler.signals.connect(middleware.spider_error, signals.spider_error)
        return middleware

    async def process_spider_output(self, response: Response, result: AsyncIterator[Any]) -> AsyncIterator[Any]:
        """Pass what the spider yields."""
        url, read, failure = _asked_for(response), False, None
        if self._task.max_pages is not None:
            self._admitted.add(hash(response.url))  # where a redirect has led
        async for part in result:
            if isinstance(part, ImageItem) and not self._task.extract_images:
                continue
            if isinstance(part, Request) and not self._admits(part.url):
                continue
            if isinstance(part, PageItem) and part.page_url == url:
                read, failure = part.failure is None, part.failure
                if read and isinstance(response, HtmlResponse):
                    yield await self._record(response)
            yield part
        self._task.progress.settled(url, read=read, failure=failure)

    def request_scheduled(self, request: Request) -> None:
        """Count a page when it is queued first, not its redirects and retries."""
        self._queued = ""
        if _is_page(request) and self._task.progress.known(_asked_for(request)):
            self._queued = _asked_for(request)

    def request_dropped(self, request: Request) -> None:  # noqa: ARG002 - Scrapy's signature
        """Take back what the scheduler did not take: it was asked for before."""
        if self._queued:
            self._task.progress.dropped(self._queued)

    def request_reached_downloader(self, request: Request) -> None:
        """Note what is asked for now."""
        if _is_page(request):
            self._task.progress.fetching(request.url)

    def item_dropped(self, item: Any) -> None:
        """Count what failed: pages whose answer never came to the spider, and images."""
        if isinstance(item, PageItem) and item.failure:
            self._task.progress.settled(item.page_url, read=False, failure=item.failure)
        elif isinstance(item, ImageItem) and item.failure:
            self._task.progress.add_error()

    def spider_error(self, failure: Any, response: Any) -> None:
        """Count a page that our own code could not read."""
        if url := _asked_for(response) if hasattr(response, "meta") else "":
            error = Failure("error", f"{type(failure.value).__name__}: {failure.value}")
            self._task.progress.settled(url, read=False, failure=error)

    def _admits(self, url: str) -> bool:
        """Tell whether a link may be followed; Scrapy takes several before it has queued the first."""
        if self._task.max_pages is None or hash(url) in self._admitted:
            return True
        if self._places <= 0:
            return False
        self._admitted.add(hash(url))
        self._places -= 1
        return True

    async def _record(self, response: HtmlResponse) -> PageRecord:
        values = await asyncio.to_thread(extract_fields, response.text, response.url, self._task.fields)
        return PageRecord(url=response.url, crawled_at=datetime.now(UTC), values=values)


def _is_page(request: Request) -> bool:
    return "depth" in request.cb_kwargs


def _asked_for(message: Request | Response) -> str:
    return str(message.meta.get("redirect_urls", [message.url])[0])
