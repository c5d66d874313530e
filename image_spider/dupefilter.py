"""Scrapy's filter of a local run, which also counts the pages that it lets through."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Self

from scrapy.dupefilters import RFPDupeFilter
from scrapy.utils.httpobj import urlparse_cached

from image_spider import causes, config
from image_spider.items import Failure
from image_spider.page_quotas import PageQuotas
from image_spider.refused_pages import RefusedPages
from image_spider.spiders.images import ImagesSpider

if TYPE_CHECKING:
    from scrapy import Request
    from scrapy.crawler import Crawler

PAGES = "image_spider.pages.json"  # host -> pages, of a resumed crawl


class QuotaDupeFilter(RFPDupeFilter):
    """Seen is what was seen, and what its host or the crawl has no room for. Other spiders than ours have no quotas."""

    _crawler: Crawler
    _quotas: PageQuotas
    _refused: RefusedPages
    _folder: Path | None

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Read HOST_MAX_PAGES, and what earlier runs in JOBDIR counted."""
        dupefilter = super().from_crawler(crawler)
        folder = crawler.settings["JOBDIR"]
        file = Path(folder, PAGES) if folder else None
        asked = json.loads(file.read_text(encoding="utf-8")) if file and file.exists() else {}
        limit = config.from_settings(crawler.settings).HOST_MAX_PAGES
        dupefilter._crawler = crawler  # noqa: SLF001
        dupefilter._quotas = PageQuotas(host_max_pages=limit, asked=asked)  # noqa: SLF001
        dupefilter._refused = RefusedPages(crawler)  # noqa: SLF001
        dupefilter._folder = Path(folder) if folder else None  # noqa: SLF001
        return dupefilter

    def request_seen(self, request: Request) -> bool:
        """Tell whether a request is left out."""
        spider = self._crawler.spider
        if not isinstance(spider, ImagesSpider) or "crawl_id" not in request.meta:
            return super().request_seen(request)
        crawl, host = spider.crawls.of(request).crawl, urlparse_cached(request).hostname or ""
        if reason := self._quotas.refusal(host, max_pages=crawl.max_pages):
            self._refused.add(request.url, crawl.id, Failure(causes.QUOTA, reason))
            return True
        if super().request_seen(request):
            return True
        self._quotas.count(host)
        return False

    def close(self, reason: str) -> None:
        """Keep the counts for the next run in JOBDIR."""
        if self._folder:
            (self._folder / PAGES).write_text(json.dumps(self._quotas.asked), encoding="utf-8")
        super().close(reason)
