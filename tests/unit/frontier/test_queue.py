"""What goes into the outbox, and what is refused before it harms anybody."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest
from scrapy import Request
from scrapy.utils.test import get_crawler

from image_spider.broker.records import Push, Pushed
from image_spider.exceptions import PayloadError
from image_spider.frontier.buffer import LeaseBuffer
from image_spider.frontier.codec import decode, url_of
from image_spider.frontier.dupefilter import FleetDupeFilter
from image_spider.frontier.outbox import Outbox
from image_spider.frontier.queue import LeaseQueue
from tests.unit.frontier.test_codec import ASpider


async def nothing(*arguments: object) -> tuple[()]:
    return ()


@pytest.fixture
def pushed() -> list[Push]:
    return []


@pytest.fixture
def queue(pushed: list[Push]) -> LeaseQueue:
    async def kept(requests: Sequence[Push]) -> list[Pushed]:
        pushed.extend(requests)
        return [Pushed.QUEUED] * len(requests)

    crawler = get_crawler(ASpider)
    spider = ASpider.from_crawler(crawler)
    outbox = Outbox(push=kept, pushed=lambda result: None)
    buffer = LeaseBuffer(
        lease=nothing,  # type: ignore[arg-type]  # never called
        prepare=nothing,
        free=lambda: 0,
        hungry=lambda: True,
        look_ahead=0,
        arrived=lambda: None,
    )
    return LeaseQueue(spider=spider, outbox=outbox, buffer=buffer, dupefilter=FleetDupeFilter.from_crawler(crawler))


@pytest.mark.parametrize("url", ["http:///x", "http://a b/", "http://a\xa0b/", "data:,x"])
def test_a_url_without_a_usable_host_is_refused(queue: LeaseQueue, url: str):
    with pytest.raises(PayloadError, match="no usable host"):
        queue.to_push(Request(url, meta={"crawl_id": "c"}))


@pytest.mark.parametrize(
    ("url", "host"), [("http://A.example:80/x", "a.example"), ("http://[::1]:8080/", "::1"), ("http://a%20b/", "a%20b")]
)
def test_the_host_is_that_of_the_url(queue: LeaseQueue, url: str, host: str):
    assert queue.to_push(Request(url, meta={"crawl_id": "c"})).host == host


def test_what_cannot_be_written_down_goes_out_with_its_cause_and_in_its_turn(queue: LeaseQueue, pushed: list[Push]):
    meta = {"crawl_id": "c", "set": {1}}
    queue.push(Request("http://a.example/1", meta={"crawl_id": "c"}))
    queue.bury(Request("http://a.example/2", meta=meta), "not JSON")
    queue.bury(Request("http:///x", meta=meta), "no host")
    assert len(queue) == 3
    asyncio.run(queue._outbox.flush())
    assert [(one.host, one.cause) for one in pushed] == [("a.example", ""), ("a.example", "not JSON"), ("", "no host")]
    assert [url_of(one.payload) for one in pushed[1:]] == ["http://a.example/2", "http:///x"]
    with pytest.raises(PayloadError, match="not written"):
        decode(pushed[1].payload, queue.spider)


@pytest.mark.parametrize("payload", [b"", b"\xff", b"[1]", b"{}", b"7"])
def test_a_broken_payload_has_no_url(payload: bytes):
    assert url_of(payload) == ""
