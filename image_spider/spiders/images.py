"""The spider "images": pages in, image candidates out."""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

from scrapy import Request, Spider
from scrapy.http import HtmlResponse, Response
from scrapy.linkextractors import IGNORED_EXTENSIONS
from scrapy.utils.url import url_has_any_extension

from image_spider import causes, config
from image_spider.crawl import Crawl
from image_spider.exceptions import ImageSpiderError, NothingToCrawl, UsageError
from image_spider.extract import extract_page
from image_spider.items import Candidate, Failure, ImageItem, PageFailure
from image_spider.sitemap import parse_sitemap, sitemaps_in_robots
from image_spider.topics import mentions
from image_spider.urls import has_image_extension, join, same_site

if TYPE_CHECKING:
    from typing import Self

    from scrapy.crawler import Crawler
    from twisted.python.failure import Failure as TwistedFailure

logger = logging.getLogger(__name__)

PAGE_MAX_BYTES = 8 * 1024 * 1024  # pages are parsed on the reactor: about 0.1 s per MB
NO_PAGES = frozenset(f".{extension}" for extension in IGNORED_EXTENSIONS)  # .pdf, .zip, .mp4 ...
ARGUMENTS = tuple(inspect.signature(Crawl.from_arguments).parameters)


class ImagesSpider(Spider):
    """Follow links from the start URLs and yield every image candidate.

    Arguments (`-a name=value`) are those of Crawl.from_arguments.
    """

    name = "images"

    def __init__(self, *, crawl: Crawl, data_uri_max_bytes: int) -> None:
        super().__init__()
        self.crawl = crawl
        self.error: ImageSpiderError | None = None  # why the crawl failed
        self._data_uri_max_bytes = data_uri_max_bytes
        self._starts_left = len(crawl.start_urls)  # start URLs that have not failed
        self._stopping: asyncio.Task[None] | None = None

    @classmethod
    def from_crawler(cls, crawler: Crawler, *args: Any, **kwargs: Any) -> Self:
        """Read the arguments; raises UsageError. Names that begin with _ are Scrapyd's own."""
        arguments = {name: value for name, value in kwargs.items() if not name.startswith("_")}
        for name in arguments.keys() - set(ARGUMENTS):
            raise UsageError(name, arguments[name], f"the arguments are {', '.join(ARGUMENTS)}")
        settings = config.from_settings(crawler.settings)
        spider = cls(crawl=Crawl.from_arguments(**arguments), data_uri_max_bytes=settings.DATA_URI_MAX_BYTES)
        spider._set_crawler(crawler)
        if settings.CONTACT_URL == config.DEFAULT_CONTACT_URL:
            logger.warning("CONTACT_URL is not set: the owners of the sites you crawl cannot reach you")
        return spider

    async def start(self) -> AsyncIterator[Request]:
        """Yield the start URLs, and the robots.txt that names their sitemaps when those are wanted."""
        for url in self.crawl.start_urls:
            yield self._page(url, site="")
            if self.crawl.sitemap:
                robots = join(url, "/robots.txt")
                yield Request(robots or url, self.parse_robots, errback=self.page_failed, cb_kwargs={"site": url})

    def parse(self, response: Response, site: str) -> Iterator[Request | ImageItem | PageFailure]:
        """Read a page: links first, so that the frontier never waits for the page's images.

        site is a URL of the site that the crawl may follow; empty for a start URL, whose answer defines it.
        """
        is_start = not site
        site = site or response.url
        if not isinstance(response, HtmlResponse):
            yield from self._parse_other(response, is_start=is_start)
            return
        if not same_site(response.url, site, self.crawl.follow):  # a redirect led away
            self.crawler.stats.inc_value("pages/offsite")
            return
        self.crawler.stats.inc_value("pages/fetched")
        page = extract_page(response.text, response.url, max_data_uri_bytes=self._data_uri_max_bytes)
        if self._may_go_deeper(response):
            for link in page.links:
                if same_site(link, site, self.crawl.follow) and not url_has_any_extension(link, NO_PAGES):
                    yield self._page(link, site=site)
        for candidate in page.candidates:
            yield self._item(candidate, page_url=response.url, page_title=page.title)

    def parse_robots(self, response: Response, site: str) -> Iterator[Request]:
        """Follow the sitemaps that a robots.txt names, or else the usual place."""
        for address in sitemaps_in_robots(response.text) or ["/sitemap.xml"]:
            if url := join(response.url, address):
                yield Request(url, self.parse_sitemap, errback=self.page_failed, cb_kwargs={"site": site})

    def parse_sitemap(self, response: Response, site: str) -> Iterator[Request | ImageItem]:
        """Follow the pages and sitemaps of a sitemap, and take the images that it names."""
        sitemap = parse_sitemap(response.body)
        for address in sitemap.sitemaps:
            if url := join(response.url, address):
                yield Request(url, self.parse_sitemap, errback=self.page_failed, cb_kwargs={"site": site})
        for address in sitemap.pages:
            if (url := join(response.url, address)) and same_site(url, site, self.crawl.follow):
                yield self._page(url, site=site)
        for page_address, address in sitemap.images:
            page, url = join(response.url, page_address), join(response.url, address)
            if page and url:
                yield self._item(Candidate(url, "sitemap"), page_url=page, page_title="")

    def page_failed(self, failure: TwistedFailure) -> Iterator[PageFailure]:
        """Record a page that could not be fetched."""
        request: Request = failure.request  # type: ignore[attr-defined]
        asked_for = request.meta.get("redirect_urls", [request.url])[0]
        is_start = request.cb_kwargs.get("site") == ""
        yield self._page_failure(asked_for, causes.of(cast("BaseException", failure.value)), is_start=is_start)

    def stop(self, reason: str) -> None:
        """End the crawl in order; the first reason counts."""
        if self._stopping is None:
            self._stopping = asyncio.ensure_future(self.crawler.engine.close_spider_async(reason=reason))

    def abort(self, error: ImageSpiderError) -> None:
        """End the crawl because it cannot go on; say why, once."""
        if self.error is None:
            self.error = error
            logger.error("The crawl stops: %s", error)
            self.stop("failed")

    def _page(self, url: str, *, site: str) -> Request:
        meta = {} if has_image_extension(url) else {"download_maxsize": PAGE_MAX_BYTES}
        return Request(url, self.parse, errback=self.page_failed, cb_kwargs={"site": site}, meta=meta)

    def _may_go_deeper(self, response: Response) -> bool:
        return self.crawl.max_depth is None or response.meta.get("depth", 0) < self.crawl.max_depth

    def _parse_other(self, response: Response, *, is_start: bool) -> Iterator[ImageItem | PageFailure]:
        """Take a "page" that is an image as a candidate; only a start URL must be one or the other."""
        content_type = (response.headers.get("Content-Type") or b"").decode("latin-1").lower()
        if content_type.startswith("image/") or has_image_extension(response.url):
            source = "start" if is_start else "anchor"
            candidate = Candidate(response.url, source, data=response.body, media_type=content_type)
            yield self._item(candidate, page_url=response.url, page_title="")
        elif is_start:
            detail = f"neither a page nor an image: {content_type or 'no Content-Type'}"
            yield self._page_failure(response.url, Failure(causes.NOT_HTML, detail), is_start=True)

    def _item(self, candidate: Candidate, *, page_url: str, page_title: str) -> ImageItem:
        item = ImageItem(
            candidate=candidate,
            page_url=page_url,
            page_title=page_title,
            crawl_id=self.crawl.id,
            seen_at=datetime.now(UTC),
        )
        words = (
            candidate.alt,
            candidate.title,
            candidate.caption,
            candidate.text,
            page_title,
            urlsplit(candidate.url).path,
        )
        if self.crawl.categories and not mentions(self.crawl.categories, words):
            item.failure = Failure(causes.TOPIC, f"no word of it begins with {' or '.join(self.crawl.categories)}")
        return item

    def _page_failure(self, url: str, failure: Failure, *, is_start: bool) -> PageFailure:
        self._starts_left -= is_start
        if not self._starts_left and not self.crawl.sitemap:
            self.abort(NothingToCrawl(f"no start URL could be fetched; {url}: {failure.cause} {failure.detail}"))
        return PageFailure(page_url=url, crawl_id=self.crawl.id, failure=failure, seen_at=datetime.now(UTC))
