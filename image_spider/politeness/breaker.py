"""The circuit breaker of a host: a dead one costs its budget of requests, and no more.

Closed, it opens after so many failures in a row; open, nobody asks; after that one request is the probe (half-open):
it closes the breaker, or opens it for twice as long. After a budget of openings the host is given up for a time: its
requests fail at once, so that a crawl ends. Nygard, Release It!, 2007; Envoy's outlier detection counts alike.
"""

from __future__ import annotations

from dataclasses import replace

from image_spider.politeness.host_state import Breaker, HostState
from image_spider.politeness.rules import Rules


def breaker_at(state: HostState, now: float) -> Breaker:
    """Return the breaker as it is at a time: open, or given up, it ends half-open."""
    shut = state.breaker in (Breaker.OPEN, Breaker.GIVEN_UP)
    return Breaker.HALF_OPEN if shut and now >= state.closed_until else state.breaker


def is_down(state: HostState, now: float) -> bool:
    """Tell whether requests to the host must fail at once, unasked."""
    return breaker_at(state, now) is Breaker.GIVEN_UP


def failed(state: HostState, *, sent: float, now: float, what: str, rules: Rules) -> HostState:
    """Return the state after a request that was sent at a time has failed now.

    One that was sent before the breaker opened tells nothing new: with places for four, and a minute until a timeout,
    it would be taken for the probe.
    """
    if state.breaker is not Breaker.CLOSED:
        if sent < state.opened_at or now < state.closed_until:
            return state
        return _opened(state, now=now, what=what, rules=rules)
    state = replace(state, failures=state.failures + 1)
    if state.failures < rules.failures:
        return state
    return _opened(state, now=now, what=what, rules=rules)


def answered(state: HostState, rules: Rules) -> HostState:
    """Return the state after an answer: whatever was failing has ended."""
    if state.breaker is Breaker.CLOSED:
        return replace(state, failures=0) if state.failures else state
    return replace(
        state, breaker=Breaker.CLOSED, failures=0, openings=0, places=rules.places, closed_until=0.0, reason=""
    )


def _opened(state: HostState, *, now: float, what: str, rules: Rules) -> HostState:
    openings = state.openings + 1
    given_up = openings > rules.openings
    seconds = rules.down if given_up else min(rules.longest_open, rules.first_open * 2.0 ** (openings - 1))
    probes = f", and {openings - 1} probe{'s' if openings > 2 else ''} after them" if openings > 1 else ""
    return replace(
        state,
        breaker=Breaker.GIVEN_UP if given_up else Breaker.OPEN,
        openings=min(openings, rules.openings + 1),
        opened_at=now,
        closed_until=max(state.closed_until, now + seconds),
        places=1,
        reason=f"{state.failures} requests in a row failed{probes}: {what}",
    )
