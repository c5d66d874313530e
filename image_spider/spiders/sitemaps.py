"""From a start URL's host to its robots.txt, its sitemaps, and the pages and images that these name."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from scrapy import Request, Spider

from image_spider.items import Candidate, ImageItem, PageItem
from image_spider.politeness.robots import ROBOTS_TXT
from image_spider.sitemap import parse_sitemap, sitemaps_in_robots
from image_spider.urls import join, same_site

if TYPE_CHECKING:
    from scrapy.http import Response
    from twisted.python.failure import Failure as TwistedFailure

    from image_spider.crawl import Crawl
    from image_spider.registry import Registry

MAX_LEVEL = 3  # an index of indexes of sitemaps; deeper is a trap
DEPTH = 1  # a page that a sitemap names counts as linked from the start URL


class SitemapFollower(Spider):
    """The part of the spider that reads sitemaps; a base class, because JOBDIR keeps only a spider's own callbacks."""

    # The spider's own. (An abstract base class would break Scrapy's feeds, which read every attribute of a spider.)
    crawls: Registry
    page_request: Callable[..., Request]
    image_item: Callable[..., ImageItem]
    page_failed: Callable[[TwistedFailure], Iterator[PageItem]]

    def begin_sitemaps(self, site: str, crawl: Crawl) -> Iterator[Request]:
        """Ask for the robots.txt of a site, which names its sitemaps."""
        if url := join(site, "/robots.txt"):
            arguments, meta = {"site": site}, {"crawl_id": crawl.id, ROBOTS_TXT: True}
            yield Request(url, self.parse_robots, errback=self.robots_failed, cb_kwargs=arguments, meta=meta)

    def parse_robots(self, response: Response, site: str) -> Iterator[Request]:
        """Follow the sitemaps that a robots.txt names, or else look at the usual place."""
        addresses = sitemaps_in_robots(response.body.decode("utf-8", "replace"))
        crawl = self.crawls.of(response).crawl
        if not addresses:
            yield from self._usual_place(site, crawl)
        for address in addresses:
            yield from self._sitemap(response.url, address, site=site, level=1, crawl=crawl)

    def robots_failed(self, failure: TwistedFailure) -> Iterator[Request]:
        """Without a robots.txt, look at the usual place."""
        request: Request = failure.request  # type: ignore[attr-defined]
        if not self.crawls.of(request).halted:
            yield from self._usual_place(request.cb_kwargs["site"], self.crawls.of(request).crawl)

    def parse_sitemap(self, response: Response, site: str, level: int) -> Iterator[Request | ImageItem]:
        """Follow the sitemaps and pages of a sitemap, and take the images that it names."""
        crawl = self.crawls.of(response).crawl
        sitemap = parse_sitemap(response.body)
        for address in sitemap.sitemaps:
            yield from self._sitemap(response.url, address, site=site, level=level + 1, crawl=crawl)
        if crawl.max_depth is None or crawl.max_depth >= DEPTH:
            for address in sitemap.pages:
                if (url := join(response.url, address)) and same_site(url, site, crawl.follow):
                    yield self.page_request(url, site=site, depth=DEPTH, crawl=crawl)
        for page_address, address in sitemap.images:
            page, url = join(response.url, page_address), join(response.url, address)
            if page and url:
                yield self.image_item(Candidate(url, "sitemap"), page_url=page, page_title="", crawl=crawl)

    def _usual_place(self, site: str, crawl: Crawl) -> Iterator[Request]:
        if url := join(site, "/sitemap.xml"):
            arguments, meta = {"site": site, "level": 1}, {"crawl_id": crawl.id}
            yield Request(url, self.parse_sitemap, errback=self.no_sitemap, cb_kwargs=arguments, meta=meta)

    def no_sitemap(self, failure: TwistedFailure) -> None:
        """Accept that a site has no sitemap: nobody said that it had one."""

    def _sitemap(self, base: str, address: str, *, site: str, level: int, crawl: Crawl) -> Iterator[Request]:
        url = join(base, address)
        if url and level <= MAX_LEVEL:
            arguments, meta = {"site": site, "level": level}, {"crawl_id": crawl.id}
            yield Request(url, self.parse_sitemap, errback=self.page_failed, cb_kwargs=arguments, meta=meta)
