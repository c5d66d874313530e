"""The spider "images": pages in, image candidates out."""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import AsyncIterator, Iterable, Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, cast

from scrapy import Request
from scrapy.exceptions import NotConfigured
from scrapy.http import HtmlResponse, Response
from scrapy.linkextractors import IGNORED_EXTENSIONS
from scrapy.utils.url import url_has_any_extension

from image_spider import causes, config
from image_spider.crawl import Crawl
from image_spider.exceptions import ImageSpiderError, NothingToCrawl, UsageError
from image_spider.extensions.job_directory import JobDirectory
from image_spider.extract import extract_page
from image_spider.items import Candidate, Failure, ImageItem, PageItem, Topic
from image_spider.spiders.sitemaps import SitemapFollower
from image_spider.topics.categories import Categories
from image_spider.topics.taxonomy import load_taxonomy
from image_spider.topics.vocabulary import Vocabulary
from image_spider.topics.words import texts_of, topics_of_words
from image_spider.urls import same_site

if TYPE_CHECKING:
    from typing import Self

    from scrapy.crawler import Crawler
    from twisted.python.failure import Failure as TwistedFailure

logger = logging.getLogger(__name__)

PAGE_MAX_BYTES = 8 * 1024 * 1024  # of a linked page; a start URL may be an image of any size
NO_PAGES = frozenset(f".{extension}" for extension in IGNORED_EXTENSIONS)  # .pdf, .zip, .mp4 ...
ARGUMENTS = tuple(inspect.signature(Crawl.from_arguments).parameters)


class ImagesSpider(SitemapFollower):
    """Follow links from the start URLs and yield every image candidate.

    Arguments (`-a name=value`) are those of Crawl.from_arguments. Requests carry depth, the links between a page and
    its start URL, and site, a URL of the site that may be followed; the answer to a start URL defines its site.
    """

    name = "images"

    def __init__(
        self,
        *,
        crawl: Crawl,
        data_uri_max_bytes: int,
        vocabulary: Vocabulary,
        categories: Categories,
        model_decides: bool,
    ) -> None:
        super().__init__()
        self.crawl = crawl
        self._vocabulary = vocabulary
        self._categories = categories
        self._model_decides = model_decides
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
        crawl = Crawl.from_arguments(**arguments)
        taxonomy = load_taxonomy(settings.TAXONOMY)
        spider = cls(
            crawl=crawl,
            data_uri_max_bytes=settings.DATA_URI_MAX_BYTES,
            vocabulary=Vocabulary(taxonomy),
            categories=Categories.of(crawl.categories, taxonomy),
            model_decides=settings.LABEL_MODEL is not None and crawl.download,
        )
        spider._set_crawler(crawler)
        if settings.CONTACT_URL == config.DEFAULT_CONTACT_URL:
            logger.warning("CONTACT_URL is not set: the owners of the sites you crawl cannot reach you")
        return spider

    @property
    def stopping(self) -> bool:
        """Whether the crawl is about to end: what has not begun need not begin."""
        closing = self.crawler.engine._slot and self.crawler.engine._slot.closing  # noqa: SLF001 - Ctrl-C shows only there
        return bool(self.error or self._stopping or closing)

    async def start(self) -> AsyncIterator[Request]:
        """Yield the start URLs, and the pages that the last run of a resumed crawl left unfinished."""
        if self.error:  # the store or the catalog could not be opened
            return
        job = self.crawler.get_extension(JobDirectory)
        for url in job.unfinished_pages if job else ():
            yield self.page_request(url, site=url, depth=self.crawl.max_depth or 1).replace(dont_filter=True)
        for url in self.crawl.start_urls:
            yield self.page_request(url, site="", depth=0)

    async def parse(self, response: Response, site: str, depth: int) -> AsyncIterator[Request | ImageItem | PageItem]:
        """Read a page: links first, so that the frontier never waits for the page's images."""
        site = site or response.url
        if depth == 0 and self.crawl.sitemap:
            for request in self.begin_sitemaps(site):
                yield request
        if not isinstance(response, HtmlResponse):
            for item in self._parse_other(response, depth):
                yield item
            return
        if not same_site(response.url, site, self.crawl.follow):  # a redirect led away
            self.crawler.stats.inc_value("pages/offsite")
            return
        self.crawler.stats.inc_value("pages/fetched")
        # A large page takes seconds, which the reactor does not have.
        page = await asyncio.to_thread(
            extract_page, response.text, response.url, max_data_uri_bytes=self._data_uri_max_bytes
        )
        yield PageItem(_asked_for(response.request or response), self.crawl.id, datetime.now(UTC))
        if not page.nofollow and (self.crawl.max_depth is None or depth < self.crawl.max_depth):
            for link in page.links:
                if same_site(link, site, self.crawl.follow) and not url_has_any_extension(link, NO_PAGES):
                    yield self.page_request(link, site=site, depth=depth + 1)
        for candidate in () if page.noimageindex else page.candidates:
            yield self.image_item(candidate, page_url=response.url, page_title=page.title)

    def page_failed(self, failure: TwistedFailure) -> Iterator[PageItem]:
        """Record a page that could not be fetched."""
        request: Request = failure.request  # type: ignore[attr-defined]
        yield self._failed_page(request, causes.of(cast("BaseException", failure.value)))

    def wants(self, item: ImageItem, model_topics: Iterable[Topic] = ()) -> bool:
        """Tell whether the crawl's categories ask for an image of these topics beside those of its words."""
        texts = texts_of(item.candidate, item.page_title)
        return self._categories.match([*item.topics, *model_topics], [text for _, text in texts])

    def refusal(self) -> Failure:
        """Return the failure of an image that the crawl's categories do not ask for."""
        return Failure(causes.TOPIC, f"it is not about {self._categories}")

    def stop(self, reason: str) -> None:
        """End the crawl in order; the first reason counts."""
        if self._stopping is None:
            self._stopping = asyncio.ensure_future(self.crawler.engine.close_spider_async(reason=reason))

    def abort(self, error: ImageSpiderError) -> None:
        """End the crawl because it cannot go on; say why, once."""
        if self.error is None:
            self.error = error
            logger.error("The crawl stops: %s", error)
            if self.crawler.engine.running:  # else start() yields nothing, and the crawl ends by itself
                self.stop("failed")

    def page_request(self, url: str, *, site: str, depth: int) -> Request:
        """Make the request for a page."""
        meta = {"download_maxsize": PAGE_MAX_BYTES} if depth else {}
        arguments = {"site": site, "depth": depth}
        return Request(url, self.parse, errback=self.page_failed, cb_kwargs=arguments, meta=meta)

    def _parse_other(self, response: Response, depth: int) -> Iterator[ImageItem | PageItem]:
        """Take a "page" that is an image as a candidate; only a start URL must be one or the other."""
        content_type = (response.headers.get("Content-Type") or b"").decode("latin-1").lower()
        if content_type.startswith("image/"):
            source = "anchor" if depth else "start"
            candidate = Candidate(response.url, source, data=response.body, media_type=content_type)
            yield self.image_item(candidate, page_url=response.url, page_title="")
        elif not depth:
            detail = f"neither a page nor an image: {content_type or 'no Content-Type'}"
            yield self._failed_page(response.request or Request(response.url), Failure(causes.NOT_HTML, detail))

    def image_item(self, candidate: Candidate, *, page_url: str, page_title: str) -> ImageItem:
        """Make the item of a candidate; one that no category is about is refused at once."""
        item = ImageItem(
            candidate=candidate,
            page_url=page_url,
            page_title=page_title,
            crawl_id=self.crawl.id,
            seen_at=datetime.now(UTC),
            topics=topics_of_words(texts_of(candidate, page_title), self._vocabulary),
        )
        words_decide = bool(self.crawl.categories) and not self._model_decides
        if words_decide and not self.wants(item):  # before anything is downloaded
            item.failure = self.refusal()
        return item

    def _failed_page(self, request: Request, failure: Failure) -> PageItem:
        url = _asked_for(request)
        if request.cb_kwargs.get("depth") == 0:
            self._starts_left -= 1
            if not self._starts_left:
                self.abort(NothingToCrawl(f"no start URL could be fetched; {url}: {failure.cause} {failure.detail}"))
        return PageItem(url, self.crawl.id, datetime.now(UTC), failure)


def images_spider(crawler: Crawler) -> ImagesSpider:
    """Return the crawler's spider, for components that serve only this one; raises NotConfigured for another."""
    if isinstance(crawler.spider, ImagesSpider):
        return crawler.spider
    raise NotConfigured(f"it serves the spider {ImagesSpider.name} alone")


def _asked_for(request: Request | Response) -> str:
    """Return the URL that was asked for first, before any redirect."""
    return str(request.meta.get("redirect_urls", [request.url])[0])
