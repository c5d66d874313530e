"""Who goes next, and what is asked for: no clock, no loop."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from scrapy import Request

from image_spider.politeness.asks import Ask, Grant
from image_spider.politeness.line import HOLD_SECONDS, Line, Waiter

NOW = 1000.0


@pytest.fixture(autouse=True)
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    """Futures belong to a loop; it never runs."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    yield loop
    asyncio.set_event_loop(None)
    loop.close()


def stand(line: Line, name: str, *, seated: bool = False, first: bool = True) -> Waiter:
    future = asyncio.get_event_loop_policy().get_event_loop().create_future()
    waiter = Waiter(future=future, request=Request(f"http://h/{name}"), image=first, seated=seated)
    line.add(waiter, first=first)
    return waiter


def grant(line: Line, ask: Ask | None, *, now: float = NOW, first: float = NOW, **given: Any) -> None:
    assert ask
    values = {"turns": 0, "delay": line.delay, "places": 0, "wait": 0.0, "others": 0, "version": 0} | given
    line.granted(ask, Grant(host="h", first=0.0, **values), first, now)


def ask(line: Line, now: float = NOW) -> Ask | None:
    return line.ask(now)[0]


def gone(line: Line, now: float) -> list[str]:
    names = []
    while found := line.next(now):
        waiter, _ = found
        waiter.future.set_result(None)
        names.append(waiter.request.url.rpartition("/")[2])
    return names


def test_what_waits_is_asked_for_at_once_with_a_place():
    line = Line(host="h", delay=1.0)
    assert ask(line) is None
    for number in range(5):
        stand(line, f"{number}")
    assert ask(line) == Ask(host="h", turns=5, held=0, more=1)


def test_each_goes_when_a_turn_is_due_and_not_before():
    line = Line(host="h", delay=1.0)
    for name in "abc":
        stand(line, name)
    grant(line, ask(line), turns=3, places=3, first=NOW + 5)
    assert gone(line, NOW + 4.9) == []
    assert line.due(NOW) == NOW + 5
    assert gone(line, NOW + 5) == ["a"]
    assert gone(line, NOW + 6.02) == ["b"]


def test_a_late_turn_is_thrown_away_and_another_one_asked_for():
    line = Line(host="h", delay=1.0)
    for name in "ab":
        stand(line, name)
    grant(line, ask(line), turns=2, places=2)
    assert gone(line, NOW + 0.5) == []
    assert gone(line, NOW + 1.0) == ["a"]
    assert line.lost == 1
    again = ask(line, NOW + 1.0)
    assert again
    assert again.turns == 1


def test_images_go_before_pages_and_before_all_what_has_its_place():
    line = Line(host="h", delay=0.0)
    stand(line, "page", first=False)
    stand(line, "image")
    stand(line, "seated", seated=True, first=False)
    assert gone(line, NOW) == ["seated"]
    grant(line, ask(line), places=2)
    assert gone(line, NOW) == ["image", "page"]


def test_without_a_place_only_what_has_one_goes():
    line = Line(host="h", delay=1.0)
    stand(line, "a")
    stand(line, "b", seated=True)
    first = ask(line)
    assert first == Ask(host="h", turns=2, held=0, more=1, seated=True)
    grant(line, first, turns=2, wait=0.2)
    assert gone(line, NOW) == ["b"]
    assert gone(line, NOW + 1) == []


def test_places_are_asked_for_as_long_as_answers_take():
    line = Line(host="h", delay=0.1)
    for number in range(20):
        stand(line, f"{number}")
    grant(line, ask(line), turns=20, places=1)
    gone(line, NOW)
    line.freed(0.35)
    assert line.lasting == 0.35
    line.in_use += 1  # and the next one is under way
    wanted = ask(line, NOW + 0.1)
    assert wanted
    assert (wanted.held, wanted.more) == (1, 4)


def test_where_places_bound_the_pace_no_turns_are_asked_for_that_would_be_missed():
    line = Line(host="h", delay=0.1, lasting=1.0, places=2)
    for number in range(20):
        stand(line, f"{number}")
    first = ask(line)
    assert first
    assert (first.turns, first.held, first.more) == (2, 2, 9)


def test_what_is_given_back_is_not_used_while_the_call_is_under_way():
    line = Line(host="h", delay=0.0, places=3)
    ask(line)
    given_back = ask(line, NOW + 10)
    assert given_back == Ask(host="h", turns=0, held=0)
    stand(line, "late")
    assert gone(line, NOW + 10) == []
    grant(line, given_back, now=NOW + 10)
    assert ask(line, NOW + 10) == Ask(host="h", turns=0, held=0, more=1)


def test_a_place_that_nobody_needs_is_kept_for_a_moment():
    line = Line(host="h", delay=0.0, places=1)
    asked, look = line.ask(NOW)
    assert asked is None
    assert NOW < look < NOW + 1
    assert line.ask(look)[0] == Ask(host="h", turns=0, held=0)


def test_a_worker_for_whose_place_others_wait_gives_it_up_after_a_while_and_then_stands_in_line():
    line = Line(host="h", delay=0.1)
    for number in range(200):
        stand(line, f"{number}")
    grant(line, ask(line), turns=20, places=1, others=1)
    late = NOW + HOLD_SECONDS + 1
    assert gone(line, NOW) == ["0"]
    line.stock.clear()
    assert ask(line, late) is None  # its place is in use
    line.freed(0.05)
    assert gone(line, late) == []
    assert ask(line, late) == Ask(host="h", turns=20 + 44, held=0, more=1)


def test_refusals_make_the_pauses_longer_and_a_grant_ends_that():
    line = Line(host="h", delay=0.0)
    stand(line, "a")
    now, pauses = NOW, []
    for _ in range(8):
        grant(line, ask(line, now), now=now)
        pauses.append(line.not_before - now)
        assert ask(line, now) is None
        now = line.not_before
    assert pauses == sorted(pauses)
    assert pauses[-1] == 1.0
    grant(line, ask(line, now), now=now, places=1)
    assert line.not_before == now


def test_a_closed_host_is_not_asked_and_its_places_are_given_back_for_a_probe():
    line = Line(host="h", delay=1.0)
    for name in "ab":
        stand(line, name)
    grant(line, ask(line), turns=2, places=2)
    line.told(delay=1.0, closed=NOW + 60, most=1)
    assert gone(line, NOW + 1) == []
    assert ask(line, NOW + 1) == Ask(host="h", turns=0, held=0)
    assert line.ask(NOW + 2) == (None, NOW + 60)
    later = ask(line, NOW + 60)
    assert later
    assert (later.turns, later.more) == (2, 1)


def test_a_longer_delay_makes_turns_worthless_and_a_shorter_one_does_not():
    line = Line(host="h", delay=1.0, places=1)
    line.stock.extend((NOW, NOW + 1))
    line.told(delay=0.5, closed=0.0, most=4)
    assert len(line.stock) == 2
    line.told(delay=2.0, closed=0.0, most=4)
    assert (len(line.stock), line.delay) == (0, 2.0)


def test_what_was_given_back_is_told_until_it_is_heard():
    line = Line(host="h", delay=0.0, places=1)
    ask(line)
    given_back = Ask(host="h", turns=0, held=0)
    assert ask(line, NOW + 10) == given_back
    assert not line.unused
    line.not_before = NOW + 11  # the call came to nothing
    assert ask(line, NOW + 10.5) is None
    assert ask(line, NOW + 11) == given_back
    grant(line, given_back, now=NOW + 11)
    assert ask(line, NOW + 12) is None
    assert line.unused


def test_one_that_waits_no_longer_is_passed_over():
    line = Line(host="h", delay=0.0, places=1)
    stand(line, "a").future.cancel()
    stand(line, "b")
    assert gone(line, NOW) == ["b"]
