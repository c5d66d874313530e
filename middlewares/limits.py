"""What a request may cost before it is sent: its URL's length and kind, and its crawl's bytes."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Self

from scrapy import signals
from scrapy.exceptions import StopDownload

from image_spider import causes, config
from image_spider.politeness.robots import ROBOTS_TXT
from image_spider.refusals import RefusedRequest
from image_spider.spiders.images import ImagesSpider, images_spider
from image_spider.traps import TrapRules

if TYPE_CHECKING:
    from scrapy import Request
    from scrapy.crawler import Crawler

ROBOTS_BYTES = 512 * 1024  # RFC 9309 asks for 500 KiB at least; what stands behind them is not read
ROBOTS_MAX_BYTES = 4 * 1024 * 1024  # of them, when they were compressed
RECEIVED = "robots_bytes"  # in meta of a robots.txt


class LimitsMiddleware:
    """Refuse a page that is a trap, a URL that is too long, and what a crawl asks for beyond its max_bytes.

    Links are looked at when they are followed, too; here come start URLs, redirects, and what earlier versions queued.
    Bytes are counted as they arrive, those of downloads that fail or are cut included, robots.txt not.
    """

    def __init__(self, *, spider: ImagesSpider, rules: TrapRules) -> None:
        self._spider = spider
        self._rules = rules

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Read URL_MAX_CHARACTERS, TRAPS and TRAP_MAX_DEPTH; off for other spiders than ours."""
        spider = images_spider(crawler)
        settings = config.from_settings(crawler.settings)
        middleware = cls(spider=spider, rules=TrapRules.of(settings, this_year=datetime.now(UTC).year))
        crawler.signals.connect(middleware.bytes_received, signals.bytes_received)
        return middleware

    def process_request(self, request: Request) -> None:
        """Raise RefusedRequest for what is not to be sent."""
        depth = request.cb_kwargs.get("depth", 0)  # 0: a start URL, an image, robots.txt or a sitemap
        reason = self._rules.trap(request.url, depth=depth) if depth else self._rules.too_long(request.url)
        if reason:
            raise RefusedRequest(causes.TRAP, reason)
        if "crawl_id" in request.meta:
            self._check_bytes(request)
        if ROBOTS_TXT in request.meta:
            request.meta.setdefault("download_maxsize", ROBOTS_MAX_BYTES)
            request.meta[RECEIVED] = 0  # a retry and a redirect come with the meta of what they follow

    def bytes_received(self, data: bytes, request: Request) -> None:
        """Count; end a robots.txt where nobody reads on."""
        if crawl_id := request.meta.get("crawl_id"):
            self._spider.traffic.add(crawl_id, len(data))
        if ROBOTS_TXT in request.meta:
            request.meta[RECEIVED] = request.meta.get(RECEIVED, 0) + len(data)
            if request.meta[RECEIVED] > ROBOTS_BYTES:
                raise StopDownload(fail=False)

    def _check_bytes(self, request: Request) -> None:
        crawl = self._spider.crawls.of(request).crawl
        if crawl.max_bytes is not None and self._spider.traffic.total(crawl.id) >= crawl.max_bytes:
            if not self._spider.in_fleet:  # there the crawl is stopped for all workers
                self._spider.stop("max_bytes")
            raise RefusedRequest(causes.QUOTA, f"the crawl has had {crawl.max_bytes:,} bytes, its max_bytes")
