"""How fast a host is asked: slower at once when it is troubled, faster again little by little."""

from __future__ import annotations

from dataclasses import replace

from image_spider.politeness import breaker
from image_spider.politeness.host_state import HostState, Observation
from image_spider.politeness.observation import Tells, overloaded, tells
from image_spider.politeness.rules import Rules

ROUNDING = 1e-9  # s
NEGLIGIBLE = 0.01  # share
SLOWED = "it was slowed down"


def fresh(rules: Rules) -> HostState:
    """Return the state of a host of which nothing is known."""
    return HostState(delay=rules.delay, places=rules.places)


def after(state: HostState, observation: Observation, *, now: float, rules: Rules) -> HostState:
    """Return the state of a host after an observation; the same object when it tells nothing.

    `now` is the time by the clock that the state's times are of; the request was sent `observation.seconds` earlier.
    """
    told = tells(observation)
    sent = now - observation.seconds
    if told is Tells.NOTHING:
        return state
    what = f"HTTP {observation.status}" if observation.status else observation.cause
    if told is Tells.FAILED:
        state = breaker.failed(state, sent=sent, now=now, what=what, rules=rules)
    else:
        most_slow = told is Tells.REFUSED and state.delay >= rules.longest_delay > 0
        if most_slow:  # slower it cannot get: a host that refuses for ever is as good as dead
            state = breaker.failed(state, sent=sent, now=now, what=what, rules=rules)
        else:
            state = breaker.answered(state, rules)
    state = _busy(state, observation, rules)
    if overloaded(observation, share=state.busy, least=rules.busy_share):
        state = _slower(state, sent=sent, now=now, what=what, rules=rules)
    elif told is Tells.WELL:
        state = _paced_by_latency(state, observation.seconds, sent=sent, now=now, rules=rules)
    if observation.retry_after > 0 and observation.status >= 400:
        state = _closed(state, observation.retry_after, now=now, rules=rules)
    return state


def with_floor(state: HostState, floor: float, *, rules: Rules) -> HostState:
    """Return the state of a host whose robots.txt asks for so many seconds between two requests; 0: for none."""
    floor = min(floor, rules.longest_floor)
    if floor == state.floor:
        return state
    least = max(rules.delay, floor)
    slowed = bool(state.slowest)
    return replace(state, floor=floor, delay=max(state.delay, least) if slowed else least)


def _least(state: HostState, rules: Rules) -> float:
    return max(rules.delay, state.floor)


def _busy(state: HostState, observation: Observation, rules: Rules) -> HostState:
    if not observation.status or (observation.status != 503 and not state.busy):
        return state
    share = state.busy + rules.smoothing * ((observation.status == 503) - state.busy)
    return replace(state, busy=share if share > NEGLIGIBLE else 0.0)


def _slower(state: HostState, *, sent: float, now: float, what: str, rules: Rules) -> HostState:
    """Multiply the delay, once for all requests that were under way: they tell the same thing (RFC 5681 does so)."""
    if sent < state.slowed_at:
        return state
    least = _least(state, rules)
    delay = max(least, min(rules.longest_delay, max(rules.first_slow, state.delay * rules.slower)))
    return _slowed_to(state, delay, now=now, why=f"it answered with {what}")


def _slowed_to(state: HostState, delay: float, *, now: float, why: str) -> HostState:
    if delay <= state.delay:
        return replace(state, slowed_at=now) if state.slowest else state
    return replace(state, delay=delay, slowest=delay, slowed_at=now, reason=state.reason or f"{SLOWED}: {why}")


def _paced_by_latency(state: HostState, seconds: float, *, sent: float, now: float, rules: Rules) -> HostState:
    """Note a latency. One far above the usual slows down, but not below one request at a time; others speed up.

    A delay of one latency means one request at a time, as Scrapy's AutoThrottle has it by default.
    """
    latency = state.latency + rules.smoothing * (seconds - state.latency) if state.latency else seconds
    usual = state.usual or seconds
    usual += (rules.smoothing if latency < usual else rules.forgetting) * (latency - usual)
    state = replace(state, latency=latency, usual=usual)
    if 0 < state.closed_until <= sent:  # it was open again: nobody needs to remember when
        state = replace(state, closed_until=0.0, reason=SLOWED if state.slowest else "")
    if sent < state.slowed_at:
        return state
    troubled = max(rules.slow_times * usual, usual + rules.slow_more)
    if seconds <= troubled < latency:
        return state  # the smoothed latency tells of the past: it would make the host slower with each quick answer
    if latency > troubled:
        delay = min(latency, rules.longest_delay, max(rules.first_slow, state.delay * rules.slower))
        if delay > state.delay:
            why = f"it takes {latency:.1f} s to answer, not {usual:.1f} s"
            return _slowed_to(state, delay, now=now, why=why)
        return state
    return _faster(state, rules)


def _faster(state: HostState, rules: Rules) -> HostState:
    least = _least(state, rules)
    if not state.slowest:
        return state
    delay = max(least, state.delay - max(0.0, state.slowest - least) / rules.recovery)
    if delay - least < ROUNDING:
        return replace(state, delay=least, slowest=0.0, reason="")
    return replace(state, delay=delay)


def _closed(state: HostState, seconds: float, *, now: float, rules: Rules) -> HostState:
    until = now + min(seconds, rules.longest_closed)
    if until <= state.closed_until:
        return state
    return replace(state, closed_until=until, reason=f"it asked to be left alone for {seconds:,.0f} s")
