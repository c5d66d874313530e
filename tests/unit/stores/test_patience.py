from __future__ import annotations

import logging
import math
from collections.abc import Callable

import pytest

from image_spider.exceptions import StoreAway, StoreError
from image_spider.stores import patience
from image_spider.stores.patience import Patience


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "PAUSE_SECONDS", 0.001)


def failing(times: float, error: Exception | None = None) -> Callable[[], str]:
    left = times

    def call() -> str:
        nonlocal left
        left -= 1
        if left >= 0:
            raise error or StoreAway("away")
        return "done"

    return call


def test_a_store_that_comes_back_is_waited_for_and_told_of_once(caplog: pytest.LogCaptureFixture):
    waits = Patience(name="s3://b", seconds=math.inf)
    with caplog.at_level(logging.INFO):
        assert waits.call(failing(20)) == waits.call(failing(0)) == "done"
    assert [record.message for record in caplog.records] == [
        "Waiting for the image store: away",
        "The image store s3://b is back",
    ]


def test_one_that_stays_away_is_given_up_in_time():
    with pytest.raises(StoreAway):
        Patience(name="s3://b", seconds=0.05).call(failing(math.inf))


def test_what_waiting_does_not_mend_is_not_tried_again():
    call = failing(1, StoreError("denied"))
    with pytest.raises(StoreError, match="denied"):
        Patience(name="s3://b", seconds=math.inf).call(call)
    assert call() == "done"


def test_a_crawl_that_ends_waits_for_a_moment_more(monkeypatch: pytest.MonkeyPatch):
    waits = Patience(name="s3://b", seconds=math.inf)
    waits.end_when(lambda: True)
    assert waits.call(failing(20)) == "done"
    monkeypatch.setattr(patience, "END_SECONDS", 0.05)
    with pytest.raises(StoreAway):
        waits.call(failing(math.inf))
