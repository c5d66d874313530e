"""The first gate of the address guard: what a URL alone tells, before robots.txt or a turn is asked for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from scrapy.utils.datatypes import LocalCache
from scrapy.utils.httpobj import urlparse_cached

from image_spider import causes, config
from image_spider.addresses import AddressRules
from image_spider.refusals import RefusedRequest

if TYPE_CHECKING:
    from scrapy import Request
    from scrapy.crawler import Crawler
    from scrapy.statscollectors import StatsCollector


SITES = 10_000  # that were looked at and are remembered


class AddressMiddleware:
    """Refuse URLs that lead nowhere good, whatever they are for: pages, images, redirects, robots.txt, sitemaps.

    The gate that counts is in image_spider/downloads.py, which sees the addresses that names stand for.
    """

    def __init__(self, *, rules: AddressRules, stats: StatsCollector) -> None:
        self._rules = rules
        self._stats = stats
        self._refusals: LocalCache[tuple[str, str], str] = LocalCache(limit=SITES)  # "": none

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Read ALLOW_ADDRESSES."""
        assert crawler.stats
        return cls(rules=AddressRules.of(config.from_settings(crawler.settings).ALLOW_ADDRESSES), stats=crawler.stats)

    def process_request(self, request: Request) -> None:
        """Raise RefusedRequest for a URL that is not to be fetched."""
        parts = urlparse_cached(request)
        site = parts.scheme, parts.netloc  # which decide alone
        refusal = self._refusals.get(site)
        if refusal is None:
            refusal = self._refusals[site] = self._rules.refusal_of_url(parts)
        if refusal:
            raise RefusedRequest(causes.BLOCKED_ADDRESS, refusal)

    def process_exception(self, request: Request, exception: Exception) -> None:
        """Count what either gate refused."""
        del request
        if isinstance(exception, RefusedRequest) and exception.cause == causes.BLOCKED_ADDRESS:
            self._stats.inc_value("addresses/refused")
