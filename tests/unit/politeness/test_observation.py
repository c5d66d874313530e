from __future__ import annotations

import sys

import pytest

from image_spider.politeness.host_state import Observation
from image_spider.politeness.observation import Tells, asks_to_wait, overloaded, retry_after_seconds, tells
from image_spider.politeness.robots import floor_of

NOON = 1_445_428_800.0  # Wed, 21 Oct 2015 12:00:00 GMT


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (b"120", 120),
        (" 7 ", 7),
        ("0", 0),
        ("Wed, 21 Oct 2015 12:01:00 GMT", 60),
        (b"Wednesday, 21-Oct-15 12:01:00 GMT", 60),
        ("Wed, 21 Oct 2015 12:01:00", 60),
        ("Wed, 21 Oct 2015 11:00:00 GMT", 0),
        ("-5", 0),
        ("1.5", 0),
        ("soon", 0),
        ("", 0),
        (None, 0),
        ("9" * 5000, 999_999_999),
        ("Wed, 21 Oct 99999 12:01:00 GMT", 0),
        (b"\xff\xfe", 0),
        ("²", 0),
    ],
)
def test_retry_after_is_a_number_or_a_date_or_nothing(header: bytes | str | None, seconds: float):
    assert retry_after_seconds(header, now=NOON) == seconds


@pytest.mark.parametrize(
    ("observation", "told"),
    [
        (Observation(status=200), Tells.WELL),
        (Observation(status=404), Tells.WELL),
        (Observation(status=403), Tells.WELL),
        (Observation(status=429), Tells.REFUSED),
        (Observation(status=500), Tells.FAILED),
        (Observation(status=503), Tells.FAILED),
        (Observation(cause="timeout"), Tells.FAILED),
        (Observation(cause="dns"), Tells.FAILED),
        (Observation(cause="too_large"), Tells.NOTHING),
        (Observation(), Tells.NOTHING),
    ],
)
def test_what_an_answer_tells_of_its_host(observation: Observation, told: Tells):
    assert tells(observation) is told
    assert asks_to_wait(observation) == (observation.status == 429)
    assert overloaded(observation, share=0.5, least=0.25) == (observation.status in (429, 503))


@pytest.mark.parametrize(
    ("crawl_delay", "request_rate", "floor"),
    [
        (None, None, 0),
        (10.0, None, 10),
        (None, (1, 5), 5),
        (2.0, (1, 5), 5),
        (9.0, (10, 60), 9),
        (-1.0, None, 0),
        (float("nan"), None, 0),
        (float("inf"), (1, 3), 3),
        (None, (0, 5), 0),
        (None, (1, 10**400), sys.float_info.max),
        (None, (10**400, 1), 0),
    ],
)
def test_of_crawl_delay_and_request_rate_the_slower_counts(
    crawl_delay: float | None, request_rate: tuple[float, float] | None, floor: float
):
    assert floor_of(crawl_delay, request_rate) == floor
