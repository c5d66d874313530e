"""The server's clock, guessed from replies."""

from __future__ import annotations

import pytest

from image_spider.politeness.clock import RemoteClock

AHEAD = 1000.0


def note(clock: RemoteClock, at: float, *, there: float, back: float, ahead: float = AHEAD) -> None:
    """Let a reply come at a time whose call and answer took so many seconds."""
    clock.note(sent=at - there - back, received=at, server=at - back + ahead)


def test_the_quickest_round_trip_tells_most():
    clock = RemoteClock()
    note(clock, 1.0, there=0.001, back=0.001)
    note(clock, 2.0, there=0.2, back=0.001)  # the call waited in a queue
    note(clock, 3.0, there=0.001, back=0.3)  # the answer lay there while something else ran
    assert clock.moment(AHEAD + 5.0) == pytest.approx(5.0, abs=0.001)


def test_another_server_with_another_clock_is_believed_at_once():
    clock = RemoteClock()
    note(clock, 1.0, there=0.001, back=0.001)
    note(clock, 2.0, there=0.05, back=0.05, ahead=AHEAD + 7)
    assert clock.moment(AHEAD + 7 + 5.0) == pytest.approx(5.0, abs=0.05)


def test_what_is_long_ago_does_not_count():
    clock = RemoteClock()
    note(clock, 1.0, there=0.001, back=0.001)
    for number in range(1, 5):
        note(clock, 1.0 + 100 * number, there=0.01, back=0.01, ahead=AHEAD + 0.005 * number)
    assert clock.moment(AHEAD + 0.02 + 500.0) == pytest.approx(500.0, abs=0.006)


def test_before_any_reply_it_is_this_machines_clock():
    clock = RemoteClock()
    assert clock.moment(clock.now() + 3.0) - clock.moment(clock.now()) == pytest.approx(3.0, abs=0.1)
