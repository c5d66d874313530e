from __future__ import annotations

import random
from typing import Any

import pytest

from image_spider.politeness.host_state import Observation
from image_spider.politeness.retry import Decision, RetryTokens, decide
from image_spider.politeness.rules import Rules

RULES = Rules(first_wait=2, longest_wait=60, retry_share=0.2, retry_reserve=10, longest_closed=600)
CONNECTION = Observation(cause="connection")


def the_bound(low: float, high: float) -> float:
    del low
    return high


def decided(observation: Observation, **changed: Any) -> Decision:
    values: dict[str, Any] = {
        "made": 0,
        "times": 2,
        "exact": False,
        "tokens": RetryTokens.fresh(RULES),
        "rules": RULES,
        "uniform": the_bound,
    }
    return decide(observation, **values | changed)


def test_waits_are_drawn_from_a_bound_that_doubles_up_to_the_longest():
    bounds = [decided(CONNECTION, made=made, times=99).wait for made in (0, 1, 2, 3, 4, 5, 6, 98)]
    assert bounds == [2, 4, 8, 16, 32, 60, 60, 60]


def test_waits_are_spread_over_the_whole_time_up_to_the_bound():
    dice = random.Random(4)
    waits = [decided(CONNECTION, made=2, times=9, uniform=dice.uniform).wait or 0.0 for _ in range(2000)]
    assert 0 <= min(waits) < 0.2
    assert 7.8 < max(waits) <= 8
    assert 3.8 < sum(waits) / len(waits) < 4.2


@pytest.mark.parametrize(
    ("observation", "tries"),
    [
        (CONNECTION, 2),
        (Observation(status=500), 2),
        (Observation(status=503), 2),
        (Observation(cause="dns"), 1),
        (Observation(status=429), 6),
        (Observation(status=503, retry_after=1), 6),
    ],
)
def test_how_often_depends_on_the_cause(observation: Observation, tries: int):
    assert [made for made in range(10) if decided(observation, made=made).wait is not None] == list(range(tries))


def test_a_number_that_the_request_itself_gives_is_exact_and_no_times_are_none():
    assert decided(Observation(status=429), made=2, times=2, exact=True) == Decision(wait=None, given_up="times")
    assert decided(Observation(status=429), times=0).wait is None
    assert decided(Observation(cause="dns"), made=1, times=2, exact=True).wait is not None


def test_retry_after_comes_before_the_dice_and_has_a_cap():
    assert decided(Observation(status=429, retry_after=30)).wait == 32
    assert decided(Observation(status=429, retry_after=1e9)).wait == 602


def test_a_host_has_a_reserve_of_retries_and_then_a_share_of_its_requests():
    tokens, allowed = RetryTokens.fresh(RULES), 0
    for _ in range(1000):
        tokens = tokens.after_request(RULES)
        if decided(CONNECTION, tokens=tokens).wait is not None:
            tokens, allowed = tokens.after_retry(), allowed + 1
    assert 205 <= allowed <= 210, "each request fails, and one in five of them is tried again, beside the reserve"
    assert decided(CONNECTION, tokens=tokens) == Decision(wait=None, given_up="budget")


def test_a_host_that_only_asks_us_to_wait_spends_no_retries():
    assert decided(Observation(status=429), tokens=RetryTokens(0)).spends is False
    assert decided(CONNECTION).spends is True


def test_retries_are_not_saved_for_ever():
    tokens = RetryTokens.fresh(RULES)
    for _ in range(100_000):
        tokens = tokens.after_request(RULES)
    assert tokens.left == RULES.retry_most
