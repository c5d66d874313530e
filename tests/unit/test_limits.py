"""The middlewares' decisions, without a download."""

from __future__ import annotations

import gzip
import zlib
from typing import Any

import pytest
from scrapy import Request
from scrapy.exceptions import IgnoreRequest, StopDownload
from scrapy.http import HtmlResponse
from scrapy.utils.test import get_crawler

from image_spider import causes
from image_spider.crawl import Crawl
from image_spider.politeness.robots import ROBOTS_TXT
from image_spider.refusals import RefusedRequest
from image_spider.spiders.images import ImagesSpider
from image_spider.traffic import Traffic
from middlewares.decompression import DecompressionMiddleware
from middlewares.limits import LimitsMiddleware

SETTINGS = {"CONTACT_URL": "http://127.0.0.1/"}


def limits(**arguments: str) -> tuple[LimitsMiddleware, ImagesSpider]:
    crawler = get_crawler(ImagesSpider, SETTINGS | {"URL_MAX_CHARACTERS": 200})
    crawler.spider = ImagesSpider.from_crawler(crawler, url="http://a.example/", crawl_id="c", **arguments)
    return LimitsMiddleware.from_crawler(crawler), crawler.spider


def request(url: str, **more: Any) -> Request:
    return Request(url, meta={"crawl_id": "c"}, **more)


@pytest.mark.parametrize(
    ("url", "depth", "refused"),
    [
        ("http://a.example/x/x/x/", 1, True),
        ("http://a.example/x/x/x/", 0, False),  # somebody asks for it
        ("http://a.example/x/x/x/", None, False),  # an image
        ("http://a.example/" + "x" * 200, None, True),
        ("http://a.example/" + "x" * 200, 0, True),
        ("http://a.example/", 201, True),
    ],
)
def test_a_trap_is_refused_when_its_request_comes_in(url: str, depth: int | None, refused: bool):
    middleware, _ = limits()
    one = request(url, cb_kwargs={} if depth is None else {"depth": depth})
    if not refused:
        middleware.process_request(one)
        return
    with pytest.raises(RefusedRequest) as caught:
        middleware.process_request(one)
    assert causes.of(caught.value).cause == causes.TRAP


def test_bytes_are_counted_as_they_arrive_until_the_crawl_has_had_its_own():
    middleware, spider = limits(max_bytes="1000")
    spider.in_fleet = True  # there the heartbeat stops the crawl
    one = request("http://a.example/")
    middleware.process_request(one)
    middleware.bytes_received(b"x" * 999, one)
    middleware.process_request(one)
    middleware.bytes_received(b"x", one)
    with pytest.raises(RefusedRequest, match="1,000 bytes") as caught:
        middleware.process_request(one)
    assert caught.value.cause == causes.QUOTA


def test_a_robots_txt_is_read_to_half_a_megabyte():
    middleware, _ = limits()
    robots = Request("http://a.example/robots.txt", meta={ROBOTS_TXT: True})
    for one in (robots, robots.copy(), robots.replace(url="http://a.example/elsewhere")):
        middleware.process_request(one)
        middleware.bytes_received(b"x" * 500_000, one)
        with pytest.raises(StopDownload):
            middleware.bytes_received(b"x" * 50_000, one)
        assert one.meta["download_maxsize"] < 5_000_000
    page = Request("http://a.example/robots.txt")
    middleware.process_request(page)
    middleware.bytes_received(b"x" * 900_000, page)


def test_the_bytes_of_a_crawl_are_those_of_all_processes():
    traffic = Traffic()
    traffic.add("c", 10)
    traffic.told("c", 10, total=50)
    traffic.add("c", 5)
    assert (traffic.received("c"), traffic.total("c"), traffic.total("other")) == (15, 55, 0)
    name = traffic.receiver("c")
    traffic.add("c", 1)
    assert traffic.receiver("c") == name
    traffic.forget("c")
    assert (traffic.crawls(), traffic.total("c")) == ((), 0)
    traffic.add("c", 1)
    assert traffic.receiver("c") != name, "or what is told now would take the place of what was told before"


def unpacked(body: bytes, encodings: str, *, ratio: int = 100, maxsize: int = 0) -> int:
    crawler = get_crawler(settings_dict={"DECOMPRESSION_MAX_RATIO": ratio, "DOWNLOAD_MAXSIZE": maxsize})
    one = Request("http://a.example/")
    response = HtmlResponse(one.url, body=body, headers={"Content-Encoding": encodings}, request=one)
    answer = DecompressionMiddleware.from_crawler(crawler).process_response(one, response)
    return len(answer.body)  # type: ignore[union-attr]


ZEROS = bytes(5_000_000)


def test_what_is_packed_a_hundred_times_is_a_bomb_unless_it_is_small():
    with pytest.raises(RefusedRequest, match="100 times as many") as caught:
        unpacked(gzip.compress(ZEROS), "gzip")
    assert caught.value.cause == causes.BOMB
    assert unpacked(gzip.compress(ZEROS[:1_000_000]), "gzip") == 1_000_000
    assert unpacked(gzip.compress(ZEROS), "gzip", ratio=0) == len(ZEROS)
    assert unpacked(gzip.compress(ZEROS, 0), "gzip") == len(ZEROS)


def test_the_ratio_holds_for_all_encodings_together():
    with pytest.raises(RefusedRequest):
        unpacked(zlib.compress(gzip.compress(ZEROS)), "gzip, deflate")
    with pytest.raises(RefusedRequest, match="6 encodings"):
        unpacked(b"x", "gzip, gzip, gzip, gzip, gzip, gzip")


def test_the_size_has_a_limit_of_its_own():
    with pytest.raises(IgnoreRequest, match="DOWNLOAD_MAXSIZE") as caught:
        unpacked(gzip.compress(ZEROS, 0), "gzip", maxsize=1_000_000)
    assert causes.of(caught.value).cause == causes.TOO_LARGE


def test_what_cannot_be_unpacked_is_corrupt():
    with pytest.raises(RefusedRequest, match="cannot be unpacked") as caught:
        unpacked(b"no gzip", "gzip")
    assert caught.value.cause == causes.CORRUPT


def test_quotas_are_no_part_of_a_crawls_name_unless_they_are_given():
    plain = Crawl.from_arguments(url="http://a.example/")
    assert plain.id == "a.example-1c48c86112", "as it was before there were quotas"
    limited = Crawl.from_arguments(url="http://a.example/", max_pages="5", max_bytes="10000000000")
    assert (limited.max_pages, limited.max_bytes) == (5, 10_000_000_000)
    assert limited.id != plain.id
    assert Crawl.from_json(limited.to_json()) == limited
