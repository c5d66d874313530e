"""A proxy for every request, and another one when a host has banned it or it does not do its work.

Three faces of one pool: the choice comes before the middlewares whose headers depend on the proxy; answers are looked
at before redirects are followed and errors are repeated; pages that tell of a ban, as soon as they can be read.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Self

from scrapy import Request
from scrapy.exceptions import (
    DownloadConnectionRefusedError,
    DownloadFailedError,
    DownloadTimeoutError,
    NotConfigured,
    ResponseDataLossError,
)
from scrapy.http.request import NO_CALLBACK
from scrapy.utils.httpobj import urlparse_cached

from image_spider import config
from image_spider.delayed import delayed
from image_spider.exceptions import NoProxy, ProxyFailed, ProxyLeft, ProxyRefused
from image_spider.extensions.proxies import Proxies
from image_spider.proxies.answers import ASTRAY, GATEWAY, PROXY_AUTHENTICATION, Answer
from image_spider.proxies.member import Attempt, Outcome
from image_spider.proxies.traces import CHOSEN, PROXY, without_proxy
from image_spider.spiders.images import images_spider
from image_spider.unfinished import Halted

if TYPE_CHECKING:
    from scrapy.crawler import Crawler
    from scrapy.http import Response

    from image_spider.config import Config

TRIED = "proxy_tried"  # in meta: names of the proxies that this request was tried through
DOUBTED = "proxy_doubted"  # in meta: those of them through which no answer came, for whatever reason
WAITS_UNTIL = "proxy_waits_until"  # in meta: Unix seconds
LOOK_SECONDS = 0.1
PATIENCE_SECONDS = 1.0  # a page that has waited so long goes back to the queue: others need its place
LONGEST_DELAY_SECONDS = 30.0  # a proxy may be added, or pardoned, at any time
# No answer: the proxy or the host is at fault.
UNSURE = (DownloadTimeoutError, DownloadConnectionRefusedError, DownloadFailedError, ResponseDataLossError)


class _Face:
    def __init__(self, *, crawler: Crawler, proxies: Proxies, settings: Config) -> None:
        self._proxies = proxies
        self._pool = proxies.pool
        self._spider = images_spider(crawler)
        self._stats = crawler.stats
        self._settings = settings
        self._rules = proxies.rules

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Read the PROXY_ settings; off without PROXIES."""
        proxies = crawler.get_extension(Proxies)
        if proxies is None:
            raise NotConfigured
        return cls(crawler=crawler, proxies=proxies, settings=config.from_settings(crawler.settings))

    def _end(self, request: Request, outcome: Outcome, reason: str = "") -> Request | None:
        """End the attempt of a request; return the request for another proxy, if one should be tried."""
        attempt = self._proxies.attempts.pop(request)
        seconds = request.meta.get("download_latency", 0.0)
        changes = self._pool.end(attempt, outcome, seconds=seconds, reason=reason)
        self._stats.inc_value(f"proxies/{outcome}")
        if outcome in {Outcome.OK, Outcome.UNWELL} or (outcome is Outcome.ASTRAY and not changes):
            request.meta.pop(TRIED, None)  # a redirect begins anew
            self._pool.blame(attempt.host, request.meta.pop(DOUBTED, ()), instead=attempt.proxy.name)
        elif outcome is Outcome.UNSURE and not changes:  # should it be repeated, then not through the same proxy
            for key in (TRIED, DOUBTED):
                request.meta[key] = [*request.meta.get(key, ()), attempt.proxy.name]
        return self._another(request, attempt) if changes else None

    def _another(self, request: Request, attempt: Attempt) -> Request | None:
        tried = [*request.meta.get(TRIED, ()), attempt.proxy.name]
        if len(tried) >= self._settings.PROXY_TRIES:
            self._pool.pardon(attempt.host, tried)
            return None
        return self._again(request, {TRIED: tried})

    def _again(self, request: Request, meta: dict[str, object]) -> Request:
        """Return the request for another choice: as Scrapy repeats one, but it is no repetition for the host's sake."""
        self._stats.inc_value("proxies/changed")
        return without_proxy(request.replace(meta=request.meta | meta, dont_filter=True))


class ProxyChoice(_Face):
    """Gives each request a proxy, or lets it wait, fail or go without."""

    async def process_request(self, request: Request) -> Request | None:
        """Set meta["proxy"] to the name of a proxy, whatever it was."""
        host = urlparse_cached(request).hostname or ""
        patience = time.monotonic() + PATIENCE_SECONDS
        while True:
            attempt = self._pool.begin(host, avoid=request.meta.get(TRIED, ()))
            if attempt:
                self._proxies.attempts[request] = attempt
                request.meta.update({PROXY: attempt.proxy.name, CHOSEN: True})
                request.meta.pop(WAITS_UNTIL, None)
                return None
            if self._settings.PROXY_FALLBACK == "direct":
                request.meta.update({PROXY: None, CHOSEN: True})  # nor through one of the environment
                self._stats.inc_value("proxies/direct")
                return None
            self._check_wait(request, host)
            if time.monotonic() >= patience and request.callback is not NO_CALLBACK:
                delay = min(LONGEST_DELAY_SECONDS, self._pool.soonest(host) or PATIENCE_SECONDS)
                return delayed(self._again(request, {}), delay)
            await asyncio.sleep(LOOK_SECONDS)

    def _check_wait(self, request: Request, host: str) -> None:
        """Raise NoProxy when the request must not wait (any longer), Halted when its crawl does not go on."""
        crawl_id = request.meta.get("crawl_id", "")
        crawls = self._spider.crawls
        if self._spider.stopping or (crawl_id in crawls and crawls[crawl_id].halted):
            raise Halted("its crawl is paused or stopped, or the worker ends")
        soonest = self._pool.soonest(host)
        why = "the list is empty" if soonest is None else f"the first one rests for {soonest:.0f} s more"
        if self._settings.PROXY_FALLBACK == "fail":
            raise NoProxy(f"no proxy may be used for {host}: {why}")
        seconds = self._settings.PROXY_WAIT_SECONDS
        if time.time() >= request.meta.setdefault(WAITS_UNTIL, time.time() + seconds):
            raise NoProxy(f"no proxy could be used for {host} within {seconds:g} s: {why}")


class ProxyPages(_Face):
    """Reads pages when they are decompressed, and before anything is made of them."""

    def process_response(self, request: Request, response: Response) -> Request | Response:
        """Look at a body that was compressed before."""
        if request not in self._proxies.attempts:
            return response
        reason = self._rules.ban(_answer(request, response, body=response.body))
        another = self._end(request, Outcome.BANNED if reason else Outcome.OK, reason)
        return another or response


class ProxyAnswers(_Face):
    """Tells the pool what became of each request, and sends those on that need another proxy."""

    def process_response(self, request: Request, response: Response) -> Request | Response:
        """Judge an answer; one whose body is compressed and must be read waits for ProxyPages."""
        attempt = self._proxies.attempts.get(request)
        if attempt is None:
            return response
        compressed = bool(response.headers.get("Content-Encoding"))
        answer = _answer(request, response, body=None if compressed else response.body)
        reason = self._rules.ban(answer)
        if reason:
            return self._end(request, Outcome.BANNED, reason) or response
        # Within a tunnel these are the site's own words.
        if not attempt.proxy.tunnels(request.url):
            if response.status == PROXY_AUTHENTICATION:
                return self._end(request, Outcome.UNSURE, "wants other credentials") or response
            if response.status in GATEWAY:
                outcome = Outcome.ASTRAY if response.status in ASTRAY else Outcome.UNWELL
                return self._end(request, outcome) or response
        if not self._rules.needs_body(answer):
            self._end(request, Outcome.OK)
        return response

    def process_exception(self, request: Request, exception: Exception) -> Request | None:
        """Try another proxy when this one is at fault; what is left is the usual way of errors."""
        if request not in self._proxies.attempts:
            return None
        if isinstance(exception, ProxyLeft):
            self._end(request, Outcome.NOTHING)
            return self._again(request, {})
        outcome = Outcome.NOTHING
        if isinstance(exception, ProxyRefused):
            outcome = Outcome.BANNED
        elif isinstance(exception, ProxyFailed):
            outcome = Outcome.FAILED
        elif isinstance(exception, UNSURE):
            outcome = Outcome.UNSURE
        return self._end(request, outcome, str(exception))


def _answer(request: Request, response: Response, *, body: bytes | None) -> Answer:
    def header(name: str) -> str:
        return (response.headers.get(name) or b"").decode("latin-1")

    return Answer(
        status=response.status,
        location=header("Location"),
        content_type=header("Content-Type"),
        body=body,
        for_image=request.callback is NO_CALLBACK and "crawl_id" in request.meta,
    )
