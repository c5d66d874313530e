"""An outage is told once, however many wait."""

from __future__ import annotations

import pytest

from image_spider.catalog.outage import Outage


@pytest.fixture
def told() -> list[str]:
    return []


@pytest.fixture
def outage(told: list[str]) -> Outage:
    outage = Outage()
    outage.tell = told.append
    return outage


def test_work_that_does_not_wait_says_nothing(outage: Outage, told: list[str]):
    with outage.possible():
        pass
    assert told == []


def test_the_first_tells_the_reason_and_the_last_its_end(outage: Outage, told: list[str]):
    with outage.possible() as one:
        with outage.possible() as other:
            one.began("away")
            other.began("away for another reason")
            one.began("still away")
        assert told == ["away"]
    assert told == ["away", ""]


def test_work_that_waited_in_vain_is_no_end_of_the_outage(outage: Outage, told: list[str]):
    with pytest.raises(ZeroDivisionError):
        _fail(outage)
    assert told == ["away"]
    with outage.possible():
        pass
    assert told == ["away", ""]


def test_what_a_standby_does_at_once_does_not_end_the_outage(outage: Outage, told: list[str]):
    with pytest.raises(ZeroDivisionError):
        _fail(outage)
    with outage.possible(may_lag=True):
        pass
    assert told == ["away"]
    with outage.possible(may_lag=True) as reader:
        reader.began("away")
    assert told == ["away", ""]


def _fail(outage: Outage) -> None:
    with outage.possible() as waiting:
        waiting.began("away")
        raise ZeroDivisionError
