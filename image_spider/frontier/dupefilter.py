"""What scrapy-redis calls a dupefilter: here it only names requests; the push script asks and remembers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

import mmh3
from scrapy_redis.dupefilter import RFPDupeFilter

if TYPE_CHECKING:
    from scrapy import Request, Spider
    from scrapy.crawler import Crawler
    from scrapy.utils.request import RequestFingerprinterProtocol


class FleetDupeFilter(RFPDupeFilter):  # type: ignore[misc]  # scrapy-redis has no types
    """Fingerprints of requests, by the request fingerprinter that the project is set to.

    scrapy-redis asks the filter in one call and enqueues in another one, so that a kill in between loses the request
    for good. Here both are one script, and the filter is part of the crawl's keys; so there is nothing to ask here and
    nothing to clear.
    """

    def __init__(self, *, fingerprinter: RequestFingerprinterProtocol, debug: bool) -> None:
        super().__init__(server=None, key="", debug=debug)
        self._fingerprinter = fingerprinter

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Read DUPEFILTER_DEBUG."""
        assert crawler.request_fingerprinter
        return cls(fingerprinter=crawler.request_fingerprinter, debug=crawler.settings.getbool("DUPEFILTER_DEBUG"))

    @classmethod
    def from_spider(cls, spider: Spider) -> Self:
        """Make the filter of a spider."""
        return cls.from_crawler(spider.crawler)

    def request_seen(self, request: Request) -> bool:
        """Never say so: the push tells."""
        del request
        return False

    def request_fingerprint(self, request: Request) -> bytes:
        """Return the 16 bytes that stand for a request in the filter."""
        return mmh3.hash_bytes(self._fingerprinter.fingerprint(request))

    def clear(self) -> None:
        """Do nothing: what a crawl has seen belongs to the fleet."""
