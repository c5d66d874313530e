"""Who waits no longer: crawls and workers that end, hosts that are closed, dead or slow."""

from __future__ import annotations

import asyncio
import time
from itertools import pairwise

import pytest

from image_spider.politeness.asks import Ask
from image_spider.politeness.breaker import Breaker
from image_spider.politeness.host_down import HostClosed, HostDown
from image_spider.politeness.host_state import HostState, Observation
from image_spider.politeness.spacing import spaced
from image_spider.politeness.turn import TURN, Turn
from image_spider.unfinished import Halted
from tests.unit.politeness.process import Crawl, image, page, run, settle


def test_those_of_a_crawl_that_is_halted_wait_no_longer_wherever_they_wait():
    async def scenario(crawl: Crawl) -> None:
        crawl.budgets.there.clear()  # Redis is away
        leased = page("leased")
        leased.meta[TURN] = Turn("h", time.monotonic() + 100)
        halted = [
            crawl.take(),
            asyncio.ensure_future(crawl.turns.begin(page("2"))),
            asyncio.ensure_future(crawl.turns.begin(leased)),
        ]
        other = asyncio.ensure_future(crawl.turns.begin(page("3", crawl_id="other")))
        await settle(*halted, other)
        taken = crawl.turns.take_back("c")
        assert {request.url for request in taken} == {"http://h/1.png", "http://h/2", "http://h/leased"}
        for task in halted:
            with pytest.raises(Halted):
                await task
        assert not other.done()
        crawl.budgets.there.set()
        await other

    run(scenario)


def test_what_was_given_while_its_crawl_was_halted_goes_to_others():
    async def scenario(crawl: Crawl) -> None:
        tasks = [crawl.take(f"{number}.png") for number in range(4)]
        await settle(*tasks)
        crawl.turns.take_back(None)
        await asyncio.wait(tasks)
        for task in tasks:
            if not task.exception():
                crawl.turns.end(task.result())
        await asyncio.gather(crawl.take(), crawl.take())

    run(scenario)


def test_when_a_local_crawl_ends_nobody_waits_any_longer_and_nobody_begins():
    async def scenario(crawl: Crawl) -> None:
        await asyncio.gather(crawl.take(), crawl.take())
        waiting = [crawl.take(), asyncio.ensure_future(crawl.turns.begin(page()))]
        await settle(*waiting)
        crawl.ending = True
        for task in waiting:
            with pytest.raises(Halted):
                await task
        with pytest.raises(Halted):
            await crawl.turns.begin(page("2"))

    run(scenario)


def test_when_a_worker_of_a_fleet_ends_its_images_wait_no_longer_and_its_pages_until_it_takes_them_back():
    async def scenario(crawl: Crawl) -> None:
        held = [await crawl.take(), await crawl.take()]
        waits, queued = crawl.take(), asyncio.ensure_future(crawl.turns.begin(page()))
        crawl.ending = True
        with pytest.raises(Halted):
            await waits
        assert not queued.done()
        crawl.turns.end(held[0])
        await queued

    run(scenario, in_fleet=True)


def test_pages_whose_turns_are_far_away_go_back_to_the_queue_and_come_back_one_after_another():
    async def scenario(crawl: Crawl) -> None:
        pages = [asyncio.ensure_future(crawl.turns.begin(page(f"{number}"))) for number in range(5)]
        await asyncio.wait(pages)
        errors = [task.exception() for task in pages]
        assert errors.pop(0) is None
        seconds = [error.seconds for error in errors if isinstance(error, HostClosed)]
        assert len(seconds) == 4
        assert 50 < seconds[0] < spaced(60.0)
        assert [after - before for before, after in pairwise(seconds)] == [pytest.approx(spaced(60.0))] * 3

    run(scenario, delay=60.0)


def test_when_its_host_wants_to_be_left_alone_a_page_goes_back_to_the_queue_and_an_image_waits_for_a_short_time():
    async def scenario(crawl: Crawl) -> None:
        first, second = await crawl.take(), await crawl.take()
        waits, queued = crawl.take(), asyncio.ensure_future(crawl.turns.begin(page()))
        again = image("2.png")
        again.meta["retry_times"] = 1
        retried = asyncio.ensure_future(crawl.turns.take(again, image=True))
        await settle(waits, queued, retried)
        crawl.states.observe("h", Observation(status=429, seconds=0.01, retry_after=25.0))
        with pytest.raises(HostClosed) as closed:
            await queued
        assert 15 < closed.value.seconds <= 25
        with pytest.raises(HostClosed):
            await crawl.turns.begin(page("2"))
        await settle(waits)
        assert not waits.done()
        crawl.states.observe("h", Observation(status=429, seconds=0.01, retry_after=60.0))
        for task in (waits, crawl.take()):
            with pytest.raises(HostClosed) as closed:
                await task
            assert 50 < closed.value.seconds <= 60
        crawl.turns.end(first)
        crawl.turns.end(second)
        await settle(retried)
        assert not retried.done()
        retried.cancel()

    run(scenario)


def test_everything_fails_at_once_at_a_host_that_is_given_up():
    async def scenario(crawl: Crawl) -> None:
        await asyncio.gather(crawl.take(), crawl.take())
        waits = crawl.take()
        await settle(waits)
        until = crawl.budgets.now() + 100
        down = HostState(delay=0.0, places=1, closed_until=until, breaker=Breaker.GIVEN_UP, reason="dead")
        crawl.states.change("h", lambda _: down)
        with pytest.raises(HostDown, match="h is not asked for a while: dead"):
            await waits
        for request in (page(), image()):
            with pytest.raises(HostDown):
                await crawl.turns.begin(request)

    run(scenario)


def test_a_worker_that_was_declared_dead_begins_anew_and_gives_nothing_back_twice():
    async def scenario(crawl: Crawl) -> None:
        old = [await crawl.take(), await crawl.take()]
        crawl.budgets.alive = False
        waits = crawl.take()
        await settle(waits)
        crawl.turns.forget()
        assert not waits.done()
        crawl.budgets.alive = True
        new = [await waits, await crawl.take()]
        for turn in old:
            crawl.turns.end(turn)
        third = crawl.take()
        await settle(third)
        assert not third.done()
        crawl.turns.end(new[0])
        await third

    run(scenario)


def test_a_worker_that_does_not_count_as_alive_for_a_while_tells_again_what_it_gave_back():
    async def scenario(crawl: Crawl) -> None:
        turn = await crawl.take()
        crawl.budgets.alive = False
        crawl.turns.end(turn)
        while len(crawl.budgets.asks) < 3:  # noqa: ASYNC110 - it has no event
            await asyncio.sleep(0.01)
        assert [ask.held for ask in crawl.budgets.asks[1:]] == [0] * len(crawl.budgets.asks[1:])
        crawl.budgets.alive = True
        asked = len(crawl.budgets.asks)
        while len(crawl.budgets.asks) == asked:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        assert crawl.budgets.asks[-1] == Ask(host="h", turns=0, held=0)
        await crawl.take()

    run(scenario)


def test_what_was_granted_to_the_name_before_does_not_count_for_the_new_one():
    async def scenario(crawl: Crawl) -> None:
        crawl.budgets.there.clear()
        first, second, third = crawl.take(), crawl.take(), crawl.take()
        await settle(first, second, third)
        crawl.turns.forget()  # while the call is under way
        crawl.budgets.there.set()
        await asyncio.wait([first, second, third], return_when=asyncio.FIRST_COMPLETED)
        assert len(crawl.budgets.asks) >= 2
        assert crawl.budgets.asks[1].held == 0
        for task in (first, second, third):
            task.cancel()

    run(scenario)
