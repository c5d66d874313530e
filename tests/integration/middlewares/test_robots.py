"""The middleware between requests and a robots.txt whose answers are made up."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable
from typing import Any

import pytest
from scrapy import Request, Spider
from scrapy.exceptions import DownloadConnectionRefusedError, IgnoreRequest
from scrapy.http import Response
from scrapy.http.request import NO_CALLBACK
from scrapy.robotstxt import ProtegoRobotParser
from scrapy.utils.test import get_crawler

from image_spider import causes
from image_spider.exceptions import NoProxy, ProxyFailed
from image_spider.politeness.host_down import HostClosed, HostDown
from image_spider.politeness.robots import ROBOTS_TXT
from image_spider.politeness.robots_book import RobotsUnreachable
from image_spider.refusals import RefusedRequest
from image_spider.unfinished import Halted
from middlewares.robots import LARGE_BYTES, RobotsTxtMiddleware

PAGE = "http://a.example/page"
CLOSED = b"User-agent: *\nDisallow: /\n"
SETTINGS = {
    "EXTENSIONS": {"image_spider.extensions.retries.Retries": 0},
    "ROBOTSTXT_OBEY": True,
    "RETRY_TIMES": 0,
    "REDIS_URL": "",
}


class Engine:
    """Gives a robots.txt its answers, and the last one for ever."""

    def __init__(self, *answers: Response | Exception) -> None:
        self.answers = answers
        self.asked: list[Request] = []

    async def download_async(self, request: Request) -> Response:
        self.asked.append(request)
        await asyncio.sleep(0)
        answer = self.answers[min(len(self.asked), len(self.answers)) - 1]
        if isinstance(answer, Exception):
            raise answer
        answer.request = request
        return answer


def robots(status: int = 200, body: bytes = b"") -> Response:
    return Response("http://a.example/robots.txt", status=status, body=body)


def middleware(engine: Engine, **settings: Any) -> RobotsTxtMiddleware:
    crawler = get_crawler(Spider, SETTINGS | settings)
    crawler.spider = Spider.from_crawler(crawler, name="any")
    crawler.engine = engine  # type: ignore[assignment]
    return RobotsTxtMiddleware(crawler)


def run(scenario: Awaitable[None]) -> None:
    async def main() -> None:
        async with asyncio.timeout(20):
            await scenario

    asyncio.run(main())


@pytest.mark.parametrize("status", [302, 401, 403, 404, 407])
def test_a_host_without_a_robots_txt_allows_all_whatever_its_answer_says(status: int):
    async def scenario() -> None:
        engine = Engine(robots(status, CLOSED))
        some = middleware(engine)
        for _ in range(3):
            assert await some.process_request(Request(PAGE)) is None
        assert len(engine.asked) == 1
        assert engine.asked[0].meta[ROBOTS_TXT]

    run(scenario())


@pytest.mark.parametrize("status", [200, 206])
def test_a_robots_txt_that_was_read_is_obeyed(status: int):
    async def scenario() -> None:
        some = middleware(Engine(robots(status, CLOSED)))
        for _ in range(3):
            with pytest.raises(IgnoreRequest) as caught:
                await some.process_request(Request(PAGE))
            assert causes.of(caught.value).cause == causes.ROBOTS

    run(scenario())


@pytest.mark.parametrize("answer", [robots(503), robots(500), robots(429), OSError("cut")], ids=str)
def test_one_that_cannot_be_had_allows_nothing_and_each_request_fails_by_its_own_try(
    answer: Response | Exception,
):
    async def scenario() -> None:
        engine = Engine(answer)
        some = middleware(engine)
        waiting = [some.process_request(Request(f"{PAGE}/{number}")) for number in range(5)]
        results = await asyncio.gather(*waiting, return_exceptions=True)
        assert {type(result) for result in results} == {RobotsUnreachable}
        assert all("robots.txt unreachable: " in str(result) for result in results)
        assert len(engine.asked) == 5

    run(scenario())


def test_while_it_is_to_be_asked_for_again_pages_go_back_to_the_queue_and_images_wait():
    async def scenario() -> None:
        engine = Engine(robots(503), robots(200))
        some = middleware(engine, RETRY_TIMES=1, RETRY_HTTP_CODES=[], RETRY_DELAY_SECONDS=30, RETRY_DELAY_MAX_SECONDS=9)
        later = await some.process_request(Request(PAGE))
        assert later
        assert later.dont_filter
        assert 0 < later.meta["delay_seconds"] <= 9
        with pytest.raises(HostClosed):
            await some.process_request(Request(PAGE, callback=NO_CALLBACK))
        assert len(engine.asked) == 1

    run(scenario())


def test_it_is_asked_for_in_rounds_and_each_after_the_first_is_one_request():
    async def scenario() -> None:
        engine = Engine(robots(503))
        some = middleware(engine, RETRY_TIMES=2, RETRY_DELAY_SECONDS=0)
        asked = []
        for _ in range(2):
            assert await some.process_request(Request(PAGE))
            asked.append(len(engine.asked))
        with pytest.raises(RobotsUnreachable) as caught:
            await some.process_request(Request(PAGE))
        assert caught.value.cause == causes.ROBOTS
        assert [*asked, len(engine.asked)] == [3, 4, 5]

    run(scenario())


@pytest.mark.parametrize("failure", [robots(503), ProxyFailed("p:1")], ids=["503", "proxy"])
def test_one_failure_costs_one_request_and_an_answer_serves_all_that_wait(failure: Response | Exception):
    async def scenario() -> None:
        engine = Engine(failure, robots(200))
        some = middleware(engine)
        waiting = [some.process_request(Request(f"{PAGE}/{number}")) for number in range(5)]
        results = await asyncio.gather(*waiting, return_exceptions=True)
        assert results[1:] == [None] * 4
        assert isinstance(results[0], RobotsUnreachable | ProxyFailed)
        assert len(engine.asked) == 2

    run(scenario())


def test_a_host_that_is_not_there_fails_with_its_own_cause():
    async def scenario() -> None:
        with pytest.raises(RobotsUnreachable, match=r"robots\.txt") as caught:
            await middleware(Engine(DownloadConnectionRefusedError())).process_request(Request(PAGE))
        assert causes.of(caught.value).cause == causes.CONNECTION

    run(scenario())


def test_a_proxys_answer_is_none_of_the_hosts():
    async def scenario() -> None:
        engine = Engine(robots(407, CLOSED))

        async def proxied(request: Request) -> Response:
            request.meta["proxy"] = "http://p:1"
            return await Engine.download_async(engine, request)

        engine.download_async = proxied  # type: ignore[method-assign]
        with pytest.raises(RobotsUnreachable, match="HTTP 407"):
            await middleware(engine).process_request(Request(PAGE))

    run(scenario())


@pytest.mark.parametrize(
    "error",
    [
        Halted("paused"),
        HostDown("a.example", "dead"),
        HostClosed("a.example", 9.0),
        ProxyFailed("p:1"),
        NoProxy("none"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_what_tells_nothing_of_a_robots_txt_is_raised_and_forgotten(error: Exception):
    async def scenario() -> None:
        engine = Engine(error, robots(200, b"User-agent: *\nAllow: /\n"))
        some = middleware(engine)
        request = Request(PAGE, callback=NO_CALLBACK)
        with pytest.raises(type(error)):
            await some.process_request(request)
        assert await some.process_request(request) is None
        assert len(engine.asked) == 2

    run(scenario())


def test_redirects_in_circles_are_no_robots_txt_and_one_that_leads_to_a_refused_place_allows_nothing():
    async def scenario() -> None:
        assert (
            await middleware(Engine(IgnoreRequest("max redirections reached"))).process_request(Request(PAGE)) is None
        )
        engine = Engine(RefusedRequest(causes.BLOCKED_ADDRESS, "10.0.0.1 is private"))
        some = middleware(engine)
        for _ in range(2):
            with pytest.raises(RobotsUnreachable) as caught:
                await some.process_request(Request(PAGE))
            assert caught.value.cause == causes.BLOCKED_ADDRESS
        assert len(engine.asked) == 1

    run(scenario())


class Parser(ProtegoRobotParser):
    """Fails at a body of "!"; notes where it works."""

    threads: dict[bytes, str] = {}  # noqa: RUF012

    def __init__(self, robotstxt_body: bytes, spider: Spider | None) -> None:
        if robotstxt_body == b"!":
            raise OverflowError("too large")
        Parser.threads[robotstxt_body] = threading.current_thread().name
        super().__init__(robotstxt_body, spider)


@pytest.mark.parametrize("body", [b"!", b"User-agent: *\nRequest-rate: 1/" + b"9" * 400])
def test_a_robots_txt_that_makes_us_stumble_keeps_no_host_waiting(body: bytes):
    async def scenario() -> None:
        some = middleware(Engine(robots(200, body)), ROBOTSTXT_PARSER=Parser)
        for _ in range(2):
            if body == b"!":
                with pytest.raises(RobotsUnreachable, match="cannot be read"):
                    await some.process_request(Request(PAGE))
            else:
                assert await some.process_request(Request(PAGE)) is None

    run(scenario())


def test_a_fetch_that_was_cancelled_is_begun_anew():
    async def scenario() -> None:
        engine = Engine(robots(200))
        some = middleware(engine)
        first = asyncio.ensure_future(some.process_request(Request(PAGE)))
        await asyncio.sleep(0)
        (fetch,) = some._fetches.values()
        fetch.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        assert await some.process_request(Request(PAGE)) is None
        assert some._fetches == {}

    run(scenario())


def test_a_large_robots_txt_is_read_in_a_thread():
    async def scenario() -> None:
        small, large = b"# small", b"# large" * LARGE_BYTES
        for body in (small, large):
            await middleware(Engine(robots(200, body)), ROBOTSTXT_PARSER=Parser).process_request(Request(PAGE))
        here = threading.current_thread().name
        assert Parser.threads[small] == here != Parser.threads[large]

    run(scenario())
