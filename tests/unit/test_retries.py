from __future__ import annotations

from typing import Any

import pytest
from scrapy import Request, Spider
from scrapy.exceptions import DownloadTimeoutError, NotConfigured
from scrapy.http import Response
from scrapy.utils.test import get_crawler

from image_spider import causes
from image_spider.exceptions import ProxyFailed, UsageError
from image_spider.extensions.retries import Retries
from image_spider.politeness.host_down import HostClosed, HostDown
from image_spider.refusals import RefusedRequest
from image_spider.unfinished import Halted
from middlewares.retry import RetryMiddleware

URL = "http://a.example/"


def retries(**settings: Any) -> Retries:
    crawler = get_crawler(Spider, {"RETRY_DELAY_SECONDS": 2, **settings})
    crawler.spider = Spider.from_crawler(crawler, name="any")
    return Retries.from_crawler(crawler)


def unavailable(**headers: str) -> Response:
    return Response(URL, status=503, headers=headers)


def test_a_retry_is_a_copy_that_waits_and_counts_and_is_not_filtered():
    request = Request(URL, meta={"crawl_id": "c"}, priority=5)
    retry = retries().after_response(request, unavailable())
    assert retry
    assert 0 <= retry.meta.pop("delay_seconds") <= 2
    assert retry.meta == {"crawl_id": "c", "retry_times": 1}
    assert (retry.url, retry.dont_filter, retry.priority) == (URL, True, 4)
    assert request.meta == {"crawl_id": "c"}


def test_what_the_server_asks_for_is_waited_for():
    retry = retries().after_response(Request(URL), unavailable(**{"Retry-After": "30"}))
    assert retry
    assert 30 <= retry.meta["delay_seconds"] <= 32


@pytest.mark.parametrize(
    ("meta", "settings", "again"),
    [
        ({}, {}, True),
        ({"dont_retry": True}, {}, False),
        ({"retry_times": 1}, {}, True),
        ({"retry_times": 2}, {}, False),
        ({"retry_times": 2, "max_retry_times": 3}, {}, True),
        ({"max_retry_times": 0}, {}, False),
        ({}, {"RETRY_TIMES": 0}, False),
        ({}, {"RETRY_ENABLED": False}, False),
        ({}, {"RETRY_HTTP_CODES": [500]}, False),
    ],
)
def test_scrapys_settings_and_keys_of_meta_are_honoured(meta: dict[str, Any], settings: dict[str, Any], again: bool):
    retry = retries(**settings).after_response(Request(URL, meta=meta), unavailable())
    assert (retry is not None) == again


def test_only_errors_of_retry_exceptions_are_tried_again():
    assert retries().after_error(Request(URL), DownloadTimeoutError())
    assert retries(RETRY_EXCEPTIONS=[]).after_error(Request(URL), DownloadTimeoutError()) is None
    assert retries().after_error(Request(URL), HostDown("a.example", "it is down")) is None
    assert retries().after_error(Request(URL), ValueError()) is None


def test_hosts_have_budgets_of_their_own():
    some = retries(RETRY_SHARE=0)
    tried = sum(some.after_error(Request(URL), DownloadTimeoutError()) is not None for _ in range(20))
    assert tried == 10, "the reserve"
    assert some.after_error(Request("http://b.example/"), DownloadTimeoutError())


@pytest.mark.parametrize(
    "error",
    [
        HostDown("a.example", "it is down"),
        HostClosed("a.example", 5.0),
        RefusedRequest(causes.TRAP, "too long"),
        Halted("paused"),
        ProxyFailed("p:1 cannot be reached"),
    ],
)
def test_what_was_not_sent_earns_no_retries(error: Exception):
    some = retries(RETRY_SHARE=1)
    for _ in range(10):
        assert some.after_error(Request(URL, meta={"retry_times": 1}), DownloadTimeoutError()), "the reserve is spent"
    for _ in range(20):
        assert some.after_error(Request(URL), error) is None
    assert some.after_error(Request(URL, meta={"retry_times": 1}), DownloadTimeoutError()) is None


def test_without_retries_there_is_no_middleware():
    crawler = get_crawler(
        Spider, {"EXTENSIONS": {"image_spider.extensions.retries.Retries": 0}, "RETRY_ENABLED": False}
    )
    with pytest.raises(NotConfigured):
        RetryMiddleware.from_crawler(crawler)


def test_extensions_without_retries_are_refused_in_words():
    with pytest.raises(UsageError, match=r"Retries must stay in it; RETRY_ENABLED=False switches"):
        RetryMiddleware.from_crawler(get_crawler(Spider))
