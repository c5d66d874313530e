"""What a proxy answers is not held against the host, nor does it speak for the host."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from scrapy import Request
from scrapy.crawler import Crawler
from scrapy.http import Response

from image_spider.extensions.proxies import Proxies
from image_spider.politeness.host_state import HostState
from image_spider.politeness.politeness import politeness_of
from image_spider.spiders.images import ImagesSpider
from middlewares.politeness import PolitenessMiddleware
from tests.integration.proxies.conftest import proxies_crawler

HTTP, SOCKS = "http://127.0.0.1:9", "socks5://127.0.0.1:9"
AGAIN = 3


@pytest.fixture(params=[HTTP])
def crawler(tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Crawler:
    monkeypatch.setattr(ImagesSpider, "stopping", False)  # it would ask the engine, which is not here
    budget = {"HOST_DELAY_SECONDS": 0, "HOST_CONCURRENCY": 1}  # a place that is kept would end the test
    return proxies_crawler(tmp_path, [request.param], **budget)


def after(crawler: Crawler, *statuses: int, url: str = "http://a.example/", direct: bool = False) -> HostState:
    """Return the state of a host after these answers, one behind the other."""
    proxies = crawler.get_extension(Proxies)
    assert proxies

    async def work() -> HostState:
        middleware = PolitenessMiddleware.from_crawler(crawler)
        for status in statuses:
            request = Request(url)
            if not direct:
                attempt = proxies.pool.begin("a.example")
                assert attempt
                proxies.attempts[request] = attempt
            await asyncio.wait_for(middleware.process_request(request), 30)
            response = Response(url, status=status, headers={"Retry-After": "0"})
            assert middleware.process_response(request, response) is response
        state = politeness_of(crawler).states.state("a.example")
        await middleware.spider_closed()
        return state

    return asyncio.run(work())


@pytest.mark.parametrize("status", [403, 407, 429, 502, 503, 504])
def test_bans_and_what_the_proxy_may_have_said_leave_the_host_as_it_was(crawler: Crawler, status: int):
    state = after(crawler, *[500] * AGAIN, *[status] * AGAIN)
    assert (state.failures, state.slowest, state.busy) == (AGAIN, 0, 0), "neither for nor against it"


def test_other_answers_are_the_hosts(crawler: Crawler):
    assert after(crawler, *[500] * AGAIN).failures == AGAIN
    assert after(crawler, 500, 404).failures == 0


def test_within_a_tunnel_an_answer_is_the_hosts_and_a_ban_is_not(crawler: Crawler):
    state = after(crawler, *[502] * AGAIN, 429, 403, url="https://a.example/")
    assert (state.failures, state.slowest) == (AGAIN, 0)


@pytest.mark.parametrize("crawler", [SOCKS], indirect=True)
def test_socks_is_a_tunnel(crawler: Crawler):
    assert after(crawler, *[502] * AGAIN).failures == AGAIN


def test_a_request_that_went_directly_tells_of_its_host(crawler: Crawler):
    assert after(crawler, *[503] * AGAIN, direct=True).failures == AGAIN
