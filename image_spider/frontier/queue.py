"""The queue, as scrapy-redis's scheduler knows one: push and pop, with leases and batches behind them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from scrapy.utils.httpobj import urlparse_cached
from scrapy_redis.queue import Base

from image_spider.broker.records import NAME, Leased, Push
from image_spider.delayed import take_delay
from image_spider.exceptions import PayloadError
from image_spider.frontier import codec
from image_spider.frontier.buffer import LeaseBuffer
from image_spider.frontier.dupefilter import FleetDupeFilter
from image_spider.frontier.outbox import Outbox
from image_spider.politeness.turn import TURN
from image_spider.proxies.traces import without_proxy

if TYPE_CHECKING:
    from scrapy import Request, Spider

LOCAL_META = ("download_slot", "download_latency", TURN)  # what one worker's downloader notes for itself


class LeaseQueue(Base):  # type: ignore[misc]  # scrapy-redis has no types
    """Requests go to the outbox as payloads, and come from the buffer as leases."""

    def __init__(self, *, spider: Spider, outbox: Outbox, buffer: LeaseBuffer, dupefilter: FleetDupeFilter) -> None:
        super().__init__(server=None, spider=spider, key="%(spider)s:requests", serializer=json)
        self._outbox = outbox
        self._buffer = buffer
        self._dupefilter = dupefilter

    def __len__(self) -> int:
        """Return how many requests this worker has at hand; how many the frontier has, `scrapy crawls` tells."""
        return len(self._buffer) + len(self._outbox)

    def push(self, request: Request) -> None:
        """Send a request on its way; raises PayloadError."""
        self._outbox.add(self.to_push(request))

    def bury(self, request: Request, cause: str) -> None:
        """Make a request that cannot be pushed a dead letter, in its turn: its page is not done before."""
        host = urlparse_cached(request).hostname or ""
        self._outbox.add(
            Push(
                crawl=request.meta["crawl_id"],
                host=host if NAME.fullmatch(host) else "",
                payload=codec.outline(request),
                cause=cause,
            )
        )

    def to_push(self, request: Request) -> Push:
        """Return a request as the frontier takes it; raises PayloadError, and KeyError when it has no crawl."""
        crawl_id = request.meta["crawl_id"]
        for name in LOCAL_META:
            request.meta.pop(name, None)
        without_proxy(request)
        delay_ms = int(1000 * take_delay(request))
        host = urlparse_cached(request).hostname or ""
        if not NAME.fullmatch(host):
            raise PayloadError(f"the URL has no usable host: {request.url}")
        return Push(
            crawl=crawl_id,
            host=host,
            payload=codec.encode(request, self.spider),
            priority=request.priority,
            fingerprint=b"" if request.dont_filter else self._dupefilter.request_fingerprint(request),
            delay_ms=delay_ms,
        )

    def pop(self, timeout: int = 0) -> Leased | None:
        """Take the next lease that is here, without waiting."""
        del timeout
        return self._buffer.pop()

    def clear(self) -> None:
        """Do nothing: the queue belongs to the fleet."""
