from __future__ import annotations

from image_spider.politeness.events import Event, event_of, words_for
from image_spider.politeness.host_state import Observation
from image_spider.politeness.pace import after, fresh
from image_spider.politeness.rules import Rules

RULES = Rules(failures=2, openings=1, first_open=10, recovery=3)


def test_the_life_of_a_host_is_told_in_one_line_each_time_that_something_happens():
    story = (
        Observation(status=200),
        Observation(status=429),
        Observation(status=200),
        Observation(status=200),
        Observation(status=200),
        Observation(status=429, retry_after=30),
        Observation(cause="timeout"),
        Observation(cause="timeout"),
        Observation(cause="timeout"),
        Observation(status=200),
    )
    state, now, told = fresh(RULES), 1000.0, []
    for observation in story:
        now = max(now + 1, state.closed_until)
        before, state = state, after(state, observation, now=now, rules=RULES)
        if event := event_of(before, state):
            told.append(event)
            assert words_for("a.example", event, state, now=now).startswith("a.example ")
    assert told == [
        Event.SLOWED,
        Event.RECOVERED,
        Event.LEFT_ALONE,
        Event.OPENED,
        Event.GIVEN_UP,
        Event.CLOSED,
    ]
