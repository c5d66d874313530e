"""Compressed answers end the attempts of their requests too, whatever becomes of them."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from scrapy import Request
from scrapy.crawler import Crawler
from scrapy.exceptions import IgnoreRequest
from scrapy.http import Response

from image_spider.extensions.proxies import Proxies
from image_spider.proxies.tally import Tally
from middlewares import ORDER
from middlewares.decompression import DecompressionMiddleware
from middlewares.proxies import ProxyAnswers, ProxyPages
from tests.integration.proxies.conftest import proxies_crawler

URL = "https://a.example/"
ZEROS = bytes(5_000_000)


@pytest.fixture
def crawler(tmp_path: Path) -> Crawler:
    return proxies_crawler(tmp_path, ["127.0.0.1:9"])


def sent(crawler: Crawler) -> tuple[Request, Proxies]:
    proxies = crawler.get_extension(Proxies)
    assert proxies
    request, attempt = Request(URL), proxies.pool.begin("a.example")
    assert attempt
    proxies.attempts[request] = attempt
    return request, proxies


@pytest.mark.parametrize("body", [b"no gzip", gzip.compress(ZEROS)[:-9], gzip.compress(ZEROS)])
def test_a_body_that_cannot_be_unpacked_ends_the_attempt_and_is_no_ban(crawler: Crawler, body: bytes):
    request, proxies = sent(crawler)
    answer = Response(URL, headers={"Content-Encoding": "gzip", "Content-Type": "text/html"}, body=body)
    assert ProxyAnswers.from_crawler(crawler).process_response(request, answer) is answer
    assert request in proxies.attempts, "it waits for its body"
    with pytest.raises(IgnoreRequest):
        DecompressionMiddleware.from_crawler(crawler).process_response(request, answer)
    assert request not in proxies.attempts
    (proxy,) = proxies.pool.proxies
    assert proxies.pool.known(proxy.name) == Tally(failed=1)
    assert proxies.pool.admitted(proxy.name, "a.example")
    assert not proxies.pool._members[proxy.name].running


@pytest.mark.parametrize(("page", "banned"), [(b"<title>Just a moment...</title>", 1), (b"<title>Broken</title>", 0)])
def test_a_page_is_read_before_it_is_asked_for_again(crawler: Crawler, page: bytes, banned: int):
    order = [place.name for place in sorted(ORDER, reverse=True)]
    ways = ("DecompressionMiddleware", "ProxyPages", "MetaRefreshMiddleware", "RetryMiddleware", "ProxyChoice")
    assert [name.rpartition(".")[2] for name in order if name.endswith(ways)] == list(ways)
    request, proxies = sent(crawler)
    packed = {"Content-Encoding": "gzip", "Content-Type": "text/html"}
    answer = Response(URL, status=503, headers=packed, body=gzip.compress(page))
    assert ProxyAnswers.from_crawler(crawler).process_response(request, answer) is answer
    unpacked = DecompressionMiddleware.from_crawler(crawler).process_response(request, answer)
    assert isinstance(unpacked, Response)
    another = ProxyPages.from_crawler(crawler).process_response(request, unpacked)
    assert isinstance(another, Request) == bool(banned)
    (proxy,) = proxies.pool.proxies
    assert proxies.pool.known(proxy.name) == Tally(banned=banned, ok=1 - banned)
