from __future__ import annotations

import random
from itertools import pairwise

from image_spider.politeness.host_state import HostState, Observation, worth_telling
from image_spider.politeness.pace import after, fresh, with_floor
from image_spider.politeness.rules import Rules

RULES = Rules(delay=0.1, longest_delay=60, longest_closed=600, recovery=20)
TOO_MANY = Observation(status=429)


def well(seconds: float = 0.05) -> Observation:
    return Observation(status=200, seconds=seconds)


def many(state: HostState, observation: Observation, times: int, *, now: float = 1000.0) -> HostState:
    for step in range(times):
        state = after(state, observation, now=now + step, rules=RULES)
    return state


def test_a_refusal_doubles_the_delay_and_answers_bring_it_back_little_by_little():
    state = many(fresh(RULES), TOO_MANY, 3)
    assert state.delay == 0.8
    delays = []
    while state.slowest:
        delays.append(state.delay)
        state = after(state, well(), now=2000, rules=RULES)
    assert len(delays) == RULES.recovery
    steps = {round(first - second, 9) for first, second in pairwise(delays)}
    assert len(steps) == 1, "additive"
    assert state.delay == RULES.delay
    assert state.reason == ""


def test_a_page_that_is_broken_slows_nobody_down_and_a_site_that_is_overloaded_does():
    broken, state = Observation(status=503), fresh(RULES)
    for step in range(100):
        state = after(state, broken if step % 6 == 0 else well(), now=1000 + step, rules=RULES)
        assert state.delay == RULES.delay
    assert many(state, broken, 4, now=2000).delay > RULES.delay
    asked = Observation(status=503, retry_after=1)
    assert after(fresh(RULES), asked, now=1000, rules=RULES).delay > RULES.delay


def test_refusals_of_requests_that_were_under_way_together_slow_down_once():
    state = fresh(RULES)
    for late in range(16):
        state = after(state, Observation(status=429, seconds=5), now=1000 + late / 10, rules=RULES)
    assert state.delay == 0.2


def test_an_answer_to_a_request_from_before_the_slowdown_does_not_speed_up():
    state = after(fresh(RULES), TOO_MANY, now=1000, rules=RULES)
    assert after(state, well(5), now=1001, rules=RULES).delay == state.delay


def test_a_host_without_a_delay_gets_one_when_it_refuses():
    rules = Rules(delay=0)
    assert after(fresh(rules), TOO_MANY, now=1000, rules=rules).delay == rules.first_slow


def test_no_host_is_made_slower_than_the_longest_delay_and_none_at_all_when_that_is_nought():
    assert many(fresh(RULES), TOO_MANY, 50).delay == RULES.longest_delay
    rules = Rules(delay=0.1, longest_delay=0)
    assert after(fresh(rules), TOO_MANY, now=1000, rules=rules).delay == rules.delay


def test_retry_after_closes_a_host_but_not_for_longer_than_the_rules_allow():
    state = after(fresh(RULES), Observation(status=503, retry_after=30), now=1000, rules=RULES)
    assert state.closed_until == 1030
    assert "30 s" in state.reason
    state = after(state, Observation(status=429, retry_after=86400), now=1001, rules=RULES)
    assert state.closed_until == 1601
    state = after(state, Observation(status=429, retry_after=1), now=1002, rules=RULES)
    assert state.closed_until == 1601, "the longest counts"
    assert after(fresh(RULES), Observation(status=200, retry_after=30), now=1000, rules=RULES).closed_until == 0


def test_latency_far_above_the_usual_slows_down_to_one_request_at_a_time_and_no_further():
    state = many(fresh(RULES), well(0.1), 50)
    assert state.delay == RULES.delay
    state = many(state, well(4), 30, now=2000)
    assert RULES.delay < state.delay <= state.latency
    slowest = state.delay
    state = many(state, well(0.1), 200, now=3000)
    assert state.delay == RULES.delay < slowest


def test_latency_that_wavers_slows_nobody_down():
    dice = random.Random(6)
    state = fresh(RULES)
    for step in range(2000):
        state = after(state, well(dice.expovariate(20)), now=1000 + step, rules=RULES)
        assert state.delay == RULES.delay


def test_a_second_in_which_our_own_process_stood_still_slows_nobody_down():
    state = many(fresh(RULES), well(0.02), 50)
    state = many(state, well(1.0), 4, now=2000)
    assert state.delay == RULES.delay


def test_quick_answers_after_a_slow_spell_do_not_slow_down_further():
    state = many(fresh(RULES), well(), 50)
    state = many(state, well(3.0), 3, now=2000.0)
    slowed = state.delay
    assert slowed > RULES.delay
    for step in range(30):
        before, state = state.delay, after(state, well(), now=2010.0 + step / 10, rules=RULES)
        assert state.delay <= before
    assert state.delay < slowed


def test_a_host_that_has_become_slower_for_good_is_not_punished_for_ever():
    state = many(fresh(RULES), well(0.1), 50)
    state = many(state, well(2), 2000, now=2000)
    assert state.delay == RULES.delay


def test_what_robots_txt_asks_for_is_the_least_delay():
    state = with_floor(fresh(RULES), 5, rules=RULES)
    assert state.delay == 5
    assert with_floor(state, 0, rules=RULES).delay == RULES.delay
    assert with_floor(state, 1e9, rules=RULES).delay == RULES.longest_floor
    slowed = after(state, TOO_MANY, now=1000, rules=RULES)
    assert slowed.delay == 10
    assert many(slowed, well(), 100, now=2000).delay == 5
    assert with_floor(slowed, 0, rules=RULES).delay == 10


def test_a_host_that_is_well_costs_no_word_to_the_others():
    told = fresh(RULES)
    state = many(told, well(), 500)
    assert state != told
    assert not worth_telling(told, state)


def test_what_changes_how_a_host_is_asked_is_told():
    told = fresh(RULES)
    assert worth_telling(told, after(told, TOO_MANY, now=1000, rules=RULES))
    assert worth_telling(told, with_floor(told, 3, rules=RULES))
    assert worth_telling(told, after(told, Observation(status=503, retry_after=9), now=1000, rules=RULES))
    failing = many(told, Observation(cause="timeout"), 2)
    assert not worth_telling(told, failing)
    failing = many(told, Observation(cause="timeout"), 3)
    assert worth_telling(told, failing)
    assert worth_telling(failing, after(failing, well(), now=2000, rules=RULES))


def test_a_host_that_has_recovered_from_everything_is_not_told_of_any_more():
    state = after(fresh(RULES), Observation(status=503, retry_after=30), now=1000, rules=RULES)
    assert worth_telling(fresh(RULES), state)
    state = many(state, well(), 100, now=2000)
    assert not worth_telling(fresh(RULES), state)
    assert state.reason == ""


def test_a_recovery_is_told_in_few_steps():
    state = told = many(fresh(RULES), TOO_MANY, 3)
    words = 0
    while state.slowest:
        state = after(state, well(), now=2000, rules=RULES)
        if worth_telling(told, state):
            told, words = state, words + 1
    assert told.delay == RULES.delay
    assert words <= 15
