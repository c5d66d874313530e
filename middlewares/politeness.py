"""Each request waits for its turn, and each answer tells how its host is."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Self

from scrapy import signals
from scrapy.http.request import NO_CALLBACK
from scrapy.utils.httpobj import urlparse_cached

from image_spider.delayed import delayed
from image_spider.extensions.proxies import Proxies
from image_spider.politeness.answers import of_error, of_response
from image_spider.politeness.host_down import HostClosed
from image_spider.politeness.politeness import politeness_of
from image_spider.spiders.images import images_spider

if TYPE_CHECKING:
    from scrapy import Request
    from scrapy.crawler import Crawler
    from scrapy.http import Response

    from image_spider.politeness.host_state import Observation
    from image_spider.politeness.politeness import Politeness
    from image_spider.politeness.turn import Turn

SCHEMES = ("http", "https")


class PolitenessMiddleware:
    """Stands next to the downloader: what comes after it would make turns late.

    Images have waited for their turn in their pipeline, and leased pages come with theirs; redirects, robots.txt and
    the pages of a local run wait here.
    """

    def __init__(self, crawler: Crawler) -> None:
        self._crawler = crawler
        self._proxies = crawler.get_extension(Proxies)
        self._sent: dict[Request, tuple[Turn, float]] = {}  # and when, time.monotonic()

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Serve our spider; NotConfigured for others."""
        images_spider(crawler)
        middleware = cls(crawler)
        crawler.signals.connect(middleware.spider_closed, signals.spider_closed)
        return middleware

    async def process_request(self, request: Request) -> Request | None:
        """Return when the request may be sent; raises Halted and HostDown.

        A page whose host is closed goes back to the scheduler until then; for what did not come from there it raises
        HostClosed.
        """
        if urlparse_cached(request).scheme not in SCHEMES:
            return None
        try:
            turn = await self._politeness.turns.begin(request)
        except HostClosed as closed:
            if request.callback is NO_CALLBACK:
                raise
            return delayed(request.replace(dont_filter=True), closed.seconds)
        self._sent[request] = turn, time.monotonic()
        return None

    def process_response(self, request: Request, response: Response) -> Response:
        """Give the place back, and note how the host has answered, unless its proxy may have."""
        seconds = self._ended(request)
        if seconds and (self._proxies is None or self._proxies.tells_of_host(request, response)):
            latency = request.meta.get("download_latency") or seconds
            self._observe(request, of_response(response, seconds=latency))
        return response

    def process_exception(self, request: Request, exception: Exception) -> None:
        """Give the place back, and note how the host has failed."""
        if seconds := self._ended(request):
            self._observe(request, of_error(exception, seconds=seconds))
        else:
            self._politeness.turns.drop(request)

    async def spider_closed(self) -> None:
        """Let nobody wait any more."""
        await self._politeness.close()

    @property
    def _politeness(self) -> Politeness:
        return politeness_of(self._crawler)

    def _ended(self, request: Request) -> float:
        """Return the seconds since a request was sent; 0: it was not."""
        turn, since = self._sent.pop(request, (None, 0.0))
        if turn is None:
            return 0.0
        self._politeness.turns.end(turn)
        return max(1e-6, time.monotonic() - since)

    def _observe(self, request: Request, observation: Observation) -> None:
        self._politeness.states.observe(urlparse_cached(request).hostname or "", observation)
