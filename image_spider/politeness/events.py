"""What a change of a host's state means, for the stats and the log: one word, and one line."""

from __future__ import annotations

from enum import StrEnum

from image_spider.politeness.host_state import Breaker, HostState


class Event(StrEnum):
    """What happened to a host; the values stand in the stats, as hosts/<value>."""

    OPENED = "breaker_opened"
    GIVEN_UP = "given_up"
    CLOSED = "breaker_closed"  # it answers again
    LEFT_ALONE = "closed_by_retry_after"
    SLOWED = "slowed_down"
    RECOVERED = "recovered"


def event_of(before: HostState, state: HostState) -> Event | None:
    """Return what a change means; None for one that nobody needs to hear of."""
    if state.opened_at != before.opened_at and state.breaker is not Breaker.CLOSED:
        return Event.GIVEN_UP if state.breaker is Breaker.GIVEN_UP else Event.OPENED
    if before.breaker is not Breaker.CLOSED and state.breaker is Breaker.CLOSED:
        return Event.CLOSED
    if state.closed_until > before.closed_until:
        return Event.LEFT_ALONE
    if state.delay > before.delay and state.slowest > before.slowest:
        return Event.SLOWED
    if before.slowest and not state.slowest:
        return Event.RECOVERED
    return None


def words_for(host: str, event: Event, state: HostState, *, now: float) -> str:
    """Return the line of the log for an event."""
    seconds = max(0.0, state.closed_until - now)
    return {
        Event.OPENED: f"{host} is left alone for {seconds:,.1f} s: {state.reason}",
        Event.GIVEN_UP: f"{host} is given up for {seconds:,.1f} s: {state.reason}",
        Event.CLOSED: f"{host} answers again",
        Event.LEFT_ALONE: f"{host} is left alone for {seconds:,.1f} s: {state.reason}",
        Event.SLOWED: f"{host} is asked every {state.delay:,.2f} s: {state.reason}",
        Event.RECOVERED: f"{host} is asked every {state.delay:,.2f} s again",
    }[event]
