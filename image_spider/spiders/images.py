"""The spider "images": pages in, image candidates out."""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import AsyncIterator, Iterable, Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, cast

from scrapy import Request, signals
from scrapy.exceptions import CloseSpider, NotConfigured
from scrapy.http import HtmlResponse, Response
from scrapy.linkextractors import IGNORED_EXTENSIONS
from scrapy.utils.url import url_has_any_extension
from scrapy_redis.spiders import RedisSpider

from image_spider import causes, config
from image_spider.crawl import Crawl
from image_spider.exceptions import ImageSpiderError, NothingToCrawl, UsageError
from image_spider.extensions.job_directory import JobDirectory
from image_spider.extract import extract_page
from image_spider.items import Candidate, Failure, ImageItem, PageItem, Topic
from image_spider.registry import Registry
from image_spider.spiders.sitemaps import SitemapFollower
from image_spider.task.task import ContainerTask
from image_spider.topics.taxonomy import load_taxonomy
from image_spider.topics.vocabulary import Vocabulary
from image_spider.topics.words import texts_of, topics_of_words
from image_spider.traffic import Traffic
from image_spider.traps import TrapRules
from image_spider.unfinished import Halted
from image_spider.urls import load_suffixes, same_site

if TYPE_CHECKING:
    from typing import Self

    from scrapy.crawler import Crawler
    from twisted.python.failure import Failure as TwistedFailure

    from image_spider.politeness.politeness import Politeness

logger = logging.getLogger(__name__)

RECORDED_TRAPS = 3  # of a page: a calendar has a thousand of one kind
PAGE_MAX_BYTES = 8 * 1024 * 1024  # of a linked page; a start URL may be an image of any size
NO_PAGES = frozenset(f".{extension}" for extension in IGNORED_EXTENSIONS)  # .pdf, .zip, .mp4 ...
ARGUMENTS = tuple(inspect.signature(Crawl.from_arguments).parameters)


class ImagesSpider(SitemapFollower, RedisSpider):  # type: ignore[misc]  # scrapy-redis has no types
    """Follow links from the start URLs and yield every image candidate.

    Arguments (`-a name=value`) are those of Crawl.from_arguments. Requests carry the id of their crawl, depth, the
    links between a page and its start URL, and site, a URL of the site that may be followed; the answer to a start URL
    defines its site.

    It is a RedisSpider, so that what looks for one finds it, but never runs setup_redis: that makes a blocking client
    and polls for start URLs on the reactor, every 5 s. Here frontier/feed.py takes them, if there is a fleet at all.
    """

    name = "images"

    def __init__(
        self,
        *,
        crawl: Crawl | None,
        crawls: Registry,
        data_uri_max_bytes: int,
        vocabulary: Vocabulary,
        traps: TrapRules,
        in_fleet: bool = False,
        task: ContainerTask | None = None,
    ) -> None:
        super().__init__()
        self.crawl = crawl  # the one that this run was started for; a worker of a fleet may have none
        self.crawls = crawls
        self.in_fleet = in_fleet
        self.task = task  # of `scrapy task` alone
        if crawl:
            crawls.add(crawl)
        self._vocabulary = vocabulary
        self._traps = traps
        self.traffic = Traffic()
        self.error: ImageSpiderError | None = None  # why the crawl failed
        self.trouble = ""  # why it is paused, in words for a user
        self.politeness: Politeness | None = None  # made by the fleet's worker, or with the first request
        self._data_uri_max_bytes = data_uri_max_bytes
        self._starts_left = len(crawl.start_urls) if crawl else 0  # start URLs that have not failed
        self._stopping: asyncio.Task[None] | None = None

    @classmethod
    def from_crawler(cls, crawler: Crawler, *args: Any, **kwargs: Any) -> Self:
        """Read the arguments; raises UsageError. Names that begin with _ are Scrapyd's own.

        `scrapy task` hands its task over, which has the crawl, in the place of all arguments.
        """
        task = kwargs.pop("task") if isinstance(kwargs.get("task"), ContainerTask) else None
        arguments = {name: value for name, value in kwargs.items() if not name.startswith("_")}
        for name in arguments.keys() - set(ARGUMENTS):
            raise UsageError(name, arguments[name], f"the arguments are {', '.join(ARGUMENTS)}")
        settings = config.from_settings(crawler.settings)
        in_fleet = bool(settings.REDIS_URL)
        crawl = task.crawl if task else None
        if not task and (arguments or not in_fleet):
            crawl = Crawl.from_arguments(**arguments)
        taxonomy = load_taxonomy(settings.TAXONOMY)
        spider = cls(
            crawl=crawl,
            crawls=Registry(taxonomy=taxonomy, has_model=settings.LABEL_MODEL is not None),
            data_uri_max_bytes=settings.DATA_URI_MAX_BYTES,
            vocabulary=Vocabulary(taxonomy),
            traps=TrapRules.of(settings, this_year=datetime.now(UTC).year),
            in_fleet=in_fleet,
            task=task,
        )
        spider._set_crawler(crawler)
        crawler.signals.connect(spider.opened, signals.spider_opened)
        load_suffixes()  # now, while nothing else waits for the event loop
        if settings.CONTACT_URL == config.DEFAULT_CONTACT_URL:
            logger.warning("CONTACT_URL is not set: the owners of the sites you crawl cannot reach you")
        return spider

    @property
    def stopping(self) -> bool:
        """Whether the crawl is about to end: what has not begun need not begin."""
        closing = self.crawler.engine._slot and self.crawler.engine._slot.closing  # noqa: SLF001 - Ctrl-C shows only there
        return bool(self.error or self._stopping or closing)

    def opened(self) -> None:
        """End a run that cannot go on before it begins: a queue in JOBDIR would be worked off in vain."""
        if self.error:
            raise CloseSpider("failed")

    async def start(self) -> AsyncIterator[Request]:
        """Yield the start URLs, and the pages that the last run of a resumed crawl left unfinished."""
        if (
            self.error or self.in_fleet or not self.crawl
        ):  # nothing could be opened; or frontier/feed.py starts the crawl
            return
        job = self.crawler.get_extension(JobDirectory)
        for url in job.unfinished_pages if job else ():
            depth = self.crawl.max_depth or 1
            yield self.page_request(url, site=url, depth=depth, crawl=self.crawl).replace(dont_filter=True)
        for url in self.crawl.start_urls:
            yield self.page_request(url, site="", depth=0, crawl=self.crawl)

    async def parse(self, response: Response, site: str, depth: int) -> AsyncIterator[Request | ImageItem | PageItem]:
        """Read a page: links first, so that the frontier never waits for the page's images."""
        crawl = self.crawls.of(response).crawl
        site = site or response.url
        if depth == 0 and crawl.sitemap:
            for request in self.begin_sitemaps(site, crawl):
                yield request
        if not isinstance(response, HtmlResponse):
            for item in self._parse_other(response, depth, crawl):
                yield item
            return
        if not same_site(response.url, site, crawl.follow):  # a redirect led away
            self.crawler.stats.inc_value("pages/offsite")
            return
        self.crawler.stats.inc_value("pages/fetched")
        # A large page takes seconds, which the reactor does not have.
        page = await asyncio.to_thread(
            extract_page, response.text, response.url, max_data_uri_bytes=self._data_uri_max_bytes
        )
        yield PageItem(_asked_for(response.request or response), crawl.id, datetime.now(UTC))
        if not page.nofollow and (crawl.max_depth is None or depth < crawl.max_depth):
            for followed in self._follow(page.links, site=site, depth=depth + 1, crawl=crawl):
                yield followed
        for candidate in () if page.noimageindex else page.candidates:
            yield self.image_item(candidate, page_url=response.url, page_title=page.title, crawl=crawl)

    def _follow(self, links: Iterable[str], *, site: str, depth: int, crawl: Crawl) -> Iterator[Request | PageItem]:
        """Ask for the pages that a page links to, but not for traps: all are counted, and some are recorded."""
        trapped = 0
        for link in links:
            if not same_site(link, site, crawl.follow) or url_has_any_extension(link, NO_PAGES):
                continue
            url = self._traps.link(link)
            if reason := self._traps.trap(url, depth=depth):
                trapped += 1
                if trapped <= RECORDED_TRAPS:
                    yield PageItem(url, crawl.id, datetime.now(UTC), Failure(causes.TRAP, reason))
            else:
                yield self.page_request(url, site=site, depth=depth, crawl=crawl)
        if trapped:
            self.crawler.stats.inc_value("pages/traps", trapped)

    def page_failed(self, failure: TwistedFailure) -> Iterator[PageItem]:
        """Record a page that could not be fetched; not one whose crawl was halted meanwhile."""
        request: Request = failure.request  # type: ignore[attr-defined]
        if isinstance(failure.value, Halted):
            return
        yield self._failed_page(request, causes.of(cast("BaseException", failure.value)))

    def wants(self, item: ImageItem, model_topics: Iterable[Topic] = ()) -> bool:
        """Tell whether its crawl's categories ask for an image of these topics beside those of its words."""
        texts = texts_of(item.candidate, item.page_title)
        categories = self.crawls[item.crawl_id].categories
        return categories.match([*item.topics, *model_topics], [text for _, text in texts])

    def refusal(self, item: ImageItem) -> Failure:
        """Return the failure of an image that its crawl's categories do not ask for."""
        return Failure(causes.TOPIC, f"it is not about {self.crawls[item.crawl_id].categories}")

    def stop(self, reason: str) -> None:
        """End the crawl in order; the first reason counts."""
        if self._stopping is None:
            self._stopping = asyncio.ensure_future(self.crawler.engine.close_spider_async(reason=reason))

    def abort(self, error: ImageSpiderError) -> None:
        """End the crawl because it cannot go on; say why, once."""
        if self.error is None:
            self.error = error
            logger.error("The crawl stops: %s", error)
            if self.crawler.engine.running:  # else opened() ends it
                self.stop("failed")

    def page_request(self, url: str, *, site: str, depth: int, crawl: Crawl) -> Request:
        """Make the request for a page."""
        meta: dict[str, Any] = {"crawl_id": crawl.id}
        if depth:
            meta["download_maxsize"] = PAGE_MAX_BYTES
        arguments = {"site": site, "depth": depth}
        return Request(url, self.parse, errback=self.page_failed, cb_kwargs=arguments, meta=meta)

    def _parse_other(self, response: Response, depth: int, crawl: Crawl) -> Iterator[ImageItem | PageItem]:
        """Take a "page" that is an image as a candidate; only a start URL must be one or the other."""
        content_type = (response.headers.get("Content-Type") or b"").decode("latin-1").lower()
        if content_type.startswith("image/"):
            source = "anchor" if depth else "start"
            candidate = Candidate(response.url, source, data=response.body, media_type=content_type)
            yield self.image_item(candidate, page_url=response.url, page_title="", crawl=crawl)
        elif not depth:
            detail = f"neither a page nor an image: {content_type or 'no Content-Type'}"
            assert response.request
            yield self._failed_page(response.request, Failure(causes.NOT_HTML, detail))

    def image_item(self, candidate: Candidate, *, page_url: str, page_title: str, crawl: Crawl) -> ImageItem:
        """Make the item of a candidate; one that no category is about is refused at once."""
        item = ImageItem(
            candidate=candidate,
            page_url=page_url,
            page_title=page_title,
            crawl_id=crawl.id,
            seen_at=datetime.now(UTC),
            topics=topics_of_words(texts_of(candidate, page_title), self._vocabulary),
        )
        words_decide = bool(crawl.categories) and not self.crawls[crawl.id].model_decides
        if words_decide and not self.wants(item):  # before anything is downloaded
            item.failure = self.refusal(item)
        return item

    def _failed_page(self, request: Request, failure: Failure) -> PageItem:
        url = _asked_for(request)
        if request.cb_kwargs.get("depth") == 0 and not self.in_fleet:
            self._starts_left -= 1
            if not self._starts_left:
                self.abort(NothingToCrawl(f"no start URL could be fetched; {url}: {failure.cause} {failure.detail}"))
        return PageItem(url, self.crawls.of(request).crawl.id, datetime.now(UTC), failure)


def images_spider(crawler: Crawler) -> ImagesSpider:
    """Return the crawler's spider, for components that serve only this one; raises NotConfigured for another."""
    if isinstance(crawler.spider, ImagesSpider):
        return crawler.spider
    raise NotConfigured(f"it serves the spider {ImagesSpider.name} alone")


def _asked_for(request: Request | Response) -> str:
    """Return the URL that was asked for first, before any redirect."""
    return str(request.meta.get("redirect_urls", [request.url])[0])
