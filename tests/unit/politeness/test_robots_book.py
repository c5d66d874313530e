"""What a robots.txt that cannot be had means, and how long one that was read is remembered."""

from __future__ import annotations

import pytest
from scrapy.robotstxt import PythonRobotParser, RobotParser

from image_spider import causes
from image_spider.items import Failure
from image_spider.politeness import robots_book
from image_spider.politeness.host_down import HostClosed
from image_spider.politeness.robots_book import RobotsBook, RobotsUnreachable, Verdict, verdict_of
from image_spider.politeness.rules import Rules

BUSY = Failure(causes.STATUS, "HTTP 503")
DAY = 24 * 3600.0


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def book(clock: Clock, rounds: int = 2) -> RobotsBook:
    return RobotsBook(rounds=rounds, rules=Rules(first_wait=2.0, longest_wait=60.0), now=clock)


def parser() -> RobotParser:
    return PythonRobotParser(b"", spider=None)


@pytest.mark.parametrize(
    ("status", "proxied", "verdict"),
    [
        (200, False, Verdict.READ),
        (204, False, Verdict.READ),
        (302, False, Verdict.FREE),
        (401, False, Verdict.FREE),
        (403, False, Verdict.FREE),
        (404, True, Verdict.FREE),
        (410, False, Verdict.FREE),
        (407, False, Verdict.FREE),
        (407, True, Verdict.UNREACHABLE),
        (429, False, Verdict.UNREACHABLE),
        (500, False, Verdict.UNREACHABLE),
        (503, True, Verdict.UNREACHABLE),
        (999, False, Verdict.UNREACHABLE),
    ],
)
def test_an_answer_is_read_or_forbids_nothing_or_everything(status: int, proxied: bool, verdict: Verdict):
    assert verdict_of(status, proxied=proxied) is verdict


def test_one_that_cannot_be_had_closes_its_host_for_some_rounds_and_then_its_requests_fail(clock: Clock):
    some = book(clock)
    for seconds in (4.0, 8.0):
        with pytest.raises(HostClosed) as closed:
            some.failed("h", BUSY)
        assert closed.value.seconds == seconds
        clock.now += seconds - 1
        with pytest.raises(HostClosed) as closed:
            some.get("h")
        assert closed.value.seconds == 1
        clock.now += 1
        assert some.get("h") is None
        assert some.troubled("h")
    with pytest.raises(RobotsUnreachable, match=r"robots.txt unreachable: HTTP 503") as caught:
        some.failed("h", BUSY)
    assert causes.of(caught.value) == Failure(causes.ROBOTS, "robots.txt unreachable: HTTP 503")
    assert some.get("h") is None, "the next request asks again ..."
    with pytest.raises(RobotsUnreachable):
        some.failed("h", BUSY)  # ... and is one round
    clock.now += 3600
    with pytest.raises(HostClosed):
        some.failed("h", BUSY)
    some.put("h", None)
    assert not some.troubled("h")


@pytest.mark.parametrize(
    ("cause", "told"),
    [
        (causes.CONNECTION, causes.CONNECTION),
        (causes.DNS, causes.DNS),
        (causes.TIMEOUT, causes.TIMEOUT),
        (causes.BLOCKED_ADDRESS, causes.BLOCKED_ADDRESS),
        (causes.DATA_LOSS, causes.ROBOTS),
        (causes.BOMB, causes.ROBOTS),
        (causes.TOO_LARGE, causes.ROBOTS),
    ],
)
def test_the_cause_is_the_hosts_own_where_a_page_would_have_failed_likewise(clock: Clock, cause: str, told: str):
    with pytest.raises(RobotsUnreachable) as caught:
        book(clock, rounds=0).failed("h", Failure(cause, "words"))
    assert caught.value.cause == told


def test_what_will_not_pass_fails_at_once_and_is_not_asked_for_again_for_a_while(clock: Clock):
    some = book(clock)
    with pytest.raises(RobotsUnreachable):
        some.failed("h", Failure(causes.BOMB, "100 times as many"))
    with pytest.raises(RobotsUnreachable):
        some.get("h")
    clock.now += robots_book.AGAIN_SECONDS
    assert some.get("h") is None


def test_one_of_yesterday_stands_in_for_one_that_cannot_be_had_for_a_day(clock: Clock):
    some, rules = book(clock, rounds=0), parser()
    some.put("h", rules, size=100)
    clock.now += DAY
    assert some.get("h") is None
    assert some.failed("h", BUSY).parser is rules
    assert some.get("h")
    clock.now += robots_book.AGAIN_SECONDS
    assert some.get("h") is None
    clock.now += DAY
    with pytest.raises(RobotsUnreachable):
        some.failed("h", BUSY)


def test_those_that_were_used_last_are_remembered_up_to_a_number_of_bytes(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(robots_book, "MOST_BYTES", 3 * (1000 + robots_book.ENTRY_BYTES))
    some = book(clock)
    for host in "abc":
        some.put(host, parser(), size=1000)
    some.put("c", parser(), size=1000)  # anew: it counts once
    assert some.get("a")
    some.put("d", parser(), size=1000)
    assert [host for host in "abcd" if some.get(host)] == ["a", "c", "d"]
    some.put("e", parser(), size=2000 + robots_book.ENTRY_BYTES)
    assert [host for host in "acde" if some.get(host)] == ["d", "e"]
