"""Retries of pages: through the scheduler, after a wait."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from scrapy.exceptions import NotConfigured

from image_spider.extensions.retries import WAITS_OUTSIDE, Retries

if TYPE_CHECKING:
    from scrapy import Request
    from scrapy.crawler import Crawler
    from scrapy.http import Response


class RetryMiddleware:
    """Scrapy's RetryMiddleware, with a delay: the request waits in the queue, and takes no place meanwhile.

    It honours RETRY_ENABLED, RETRY_TIMES, RETRY_HTTP_CODES, RETRY_EXCEPTIONS, RETRY_PRIORITY_ADJUST and the keys
    dont_retry, max_retry_times, priority_adjust and give_up_log_level of meta, and counts in retry_times, as Scrapy's.
    A request that a component sends by engine.download_async is tried again at once, as with Scrapy's, unless that
    component waits for itself (Retries.download).
    """

    def __init__(self, retries: Retries) -> None:
        self._retries = retries

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Use the crawler's Retries."""
        retries = Retries.of(crawler)
        if not retries.enabled:
            raise NotConfigured
        return cls(retries)

    def process_response(self, request: Request, response: Response) -> Request | Response:
        """Return the request again for an answer that may be better another time."""
        if WAITS_OUTSIDE in request.meta:
            return response
        return self._retries.after_response(request, response) or response

    def process_exception(self, request: Request, exception: Exception) -> Request | None:
        """Return the request again after a failure that may be over another time."""
        if WAITS_OUTSIDE in request.meta:
            return None
        return self._retries.after_error(request, exception)
