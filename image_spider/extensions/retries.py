"""Retries: which requests are tried again, and when; one budget per host for pages, images and robots.txt."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import TYPE_CHECKING, Self

from scrapy import Request
from scrapy.downloadermiddlewares.retry import get_retry_request
from scrapy.exceptions import IgnoreRequest
from scrapy.utils.datatypes import LocalCache
from scrapy.utils.httpobj import urlparse_cached
from scrapy.utils.misc import _load_objects
from scrapy.utils.response import response_status_message

from image_spider import config
from image_spider.delayed import delayed, take_delay
from image_spider.exceptions import ProxyFailed, UsageError
from image_spider.pauses import Pauses
from image_spider.politeness.answers import of_error, of_response
from image_spider.politeness.retry import RetryTokens, decide
from image_spider.politeness.rules import Rules, rules_of

if TYPE_CHECKING:
    from scrapy.crawler import Crawler
    from scrapy.http import Response
    from scrapy.settings import BaseSettings

    from image_spider.politeness.host_state import Observation

HOSTS = 10_000  # whose budgets are remembered
NOT_SENT = (IgnoreRequest, ProxyFailed)  # no request to the host: refused, halted, put off, or no proxy did its work
WAITS_OUTSIDE = "waits_outside"  # in meta: who sent the request tries it again, not the middleware


class Retries:
    """Decides by Scrapy's RETRY_ settings and ours.

    A page that is to be tried again goes to the scheduler with a delay. An image or a robots.txt does not pass the
    scheduler: `download` waits for it, and gives no place of the downloader to what waits.
    """

    def __init__(self, *, crawler: Crawler, settings: BaseSettings, rules: Rules) -> None:
        self._crawler = crawler
        self._rules = rules
        self.pauses = Pauses()
        self.enabled = settings.getbool("RETRY_ENABLED")
        self._times = settings.getint("RETRY_TIMES")
        self._codes = {int(code) for code in settings.getlist("RETRY_HTTP_CODES")}
        self._errors = _load_objects(settings.getlist("RETRY_EXCEPTIONS"))
        self._tokens: LocalCache[str, RetryTokens] = LocalCache(limit=HOSTS)

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Read the settings."""
        rules = rules_of(config.from_settings(crawler.settings))
        return cls(crawler=crawler, settings=crawler.settings, rules=rules)

    @classmethod
    def of(cls, crawler: Crawler) -> Self:
        """Return the crawler's; raises UsageError when EXTENSIONS was set without it."""
        retries = crawler.get_extension(cls)
        if retries is None:
            needed = f"{cls.__module__}.{cls.__qualname__} must stay in it; RETRY_ENABLED=False switches retries off"
            raise UsageError("EXTENSIONS", crawler.settings.getdict("EXTENSIONS"), needed)
        return retries

    @property
    def times(self) -> int:
        """Return how often a request is tried again, usually."""
        return self._times if self.enabled else 0

    def after_response(self, request: Request, response: Response) -> Request | None:
        """Return the request to send instead of using the response, with its delay; None: use it."""
        self._count(request)
        if response.status not in self._codes:
            return None
        return self._retry(request, of_response(response), response_status_message(response.status))

    def after_error(self, request: Request, error: Exception) -> Request | None:
        """Return the request to send after a failure, with its delay; None: it has failed."""
        if not isinstance(error, NOT_SENT):
            self._count(request)
        return self._retry(request, of_error(error), error) if isinstance(error, self._errors) else None

    async def try_once(self, request: Request) -> Response | Request:
        """Fetch what does not pass the scheduler; return its response, or the request to send after its delay.

        Raises what the download raised, when that is not to be tried again.
        """
        request = request.replace(meta=request.meta | {WAITS_OUTSIDE: True})
        try:
            response = await self._crawler.engine.download_async(request)
        except Exception as error:
            if retry := self.after_error(request, error):
                return retry
            raise
        return self.after_response(request, response) or response

    async def download(self, request: Request, *, halted: Callable[[], str]) -> Response:
        """Fetch what does not pass the scheduler, and wait between two tries; raises what the last one raised.

        Raises Halted when `halted` gives a reason while it waits.
        """
        while isinstance(response := await self.try_once(request), Request):
            request = response
            await self.pauses.pause(take_delay(request), halted)
        return response

    def _count(self, request: Request) -> None:
        if not request.meta.get("retry_times"):
            host = _host(request)
            self._tokens[host] = self._tokens_of(host).after_request(self._rules)

    def _tokens_of(self, host: str) -> RetryTokens:
        return self._tokens.get(host) or RetryTokens.fresh(self._rules)

    def _retry(self, request: Request, observation: Observation, reason: str | Exception) -> Request | None:
        if not self.enabled or request.meta.get("dont_retry"):
            return None
        made, host = request.meta.get("retry_times", 0), _host(request)
        asked_for = request.meta.get("max_retry_times")
        decision = decide(
            observation,
            made=made,
            times=self._times if asked_for is None else asked_for,
            exact=asked_for is not None,
            tokens=self._tokens_of(host),
            rules=self._rules,
            uniform=random.uniform,
        )
        if decision.given_up == "budget":
            self._crawler.stats.inc_value("retry/budget_spent")
        if decision.spends:
            self._tokens[host] = self._tokens_of(host).after_retry()
        assert self._crawler.spider
        retry = get_retry_request(
            request,
            spider=self._crawler.spider,
            reason=reason,
            max_retry_times=made if decision.wait is None else made + 1,
            priority_adjust=request.meta.get("priority_adjust"),
            give_up_log_level=request.meta.get("give_up_log_level"),
        )
        return retry and delayed(retry, decision.wait or 0.0)


def _host(request: Request) -> str:
    return urlparse_cached(request).hostname or ""
