"""Requests that wait for their turn in one process: order, moments, and places that come back."""

from __future__ import annotations

import asyncio
import time
from itertools import pairwise

from scrapy import Request
from scrapy.http.request import NO_CALLBACK

from image_spider.politeness.spacing import spaced
from image_spider.politeness.turn import TURN, Turn, ahead_of
from tests.unit.politeness.process import Crawl, image, page, run, settle


def test_no_more_are_under_way_than_a_host_has_places_and_images_go_before_pages():
    async def scenario(crawl: Crawl) -> None:
        first, second = await crawl.take(), await crawl.take()
        waits = asyncio.ensure_future(crawl.turns.begin(page()))
        third = crawl.take()
        await settle(waits, third)
        assert not waits.done()
        assert not third.done()
        crawl.turns.end(first)
        crawl.turns.end(first)  # twice is once
        await third
        assert not waits.done()
        crawl.turns.end(second)
        await waits

    run(scenario)


def test_turns_are_a_delay_apart_for_pages_and_images_together():
    async def scenario(crawl: Crawl) -> None:
        moments = []
        for number in range(6):
            request = image() if number % 2 else page()
            turn = await (crawl.turns.take(request, image=True) if number % 2 else crawl.turns.begin(request))
            assert turn.moment
            moments.append(turn.moment)
            crawl.turns.end(turn)
        gaps = [after - before for before, after in pairwise(moments)]
        assert min(gaps) > 0.99 * spaced(0.02)

    run(scenario, delay=0.02)


def test_an_image_keeps_the_turn_that_it_took_and_a_late_one_is_exchanged():
    async def scenario(crawl: Crawl) -> None:
        request = image()
        turn = await crawl.turns.take(request, image=True)
        assert request.meta[TURN] is turn
        assert await crawl.turns.begin(request) is turn
        assert TURN not in request.meta
        crawl.turns.end(turn)
        late = image("2.png")
        turn = await crawl.turns.take(late, image=True)
        turn.moment = time.monotonic() - 1.0
        assert await crawl.turns.begin(late) is turn
        assert turn.moment > time.monotonic() - 0.5
        assert crawl.counted["politeness/turns_late"] >= 1

    run(scenario, delay=0.05)


def test_a_lease_waits_for_its_moment_and_holds_no_place_of_ours():
    async def scenario(crawl: Crawl) -> None:
        request = page()
        request.meta[TURN] = Turn("h", time.monotonic() + 0.05)
        turn = await crawl.turns.begin(request)
        assert turn.moment is not None
        assert time.monotonic() >= turn.moment
        assert crawl.budgets.asks == []
        crawl.turns.end(turn)

    run(scenario, delay=100.0)  # where a turn may be seconds late


def test_a_lease_whose_turn_is_over_takes_another_one_and_no_second_place():
    async def scenario(crawl: Crawl) -> None:
        request = page()
        request.meta[TURN] = Turn("h", None, timed=False)
        turn = await crawl.turns.begin(request)
        assert turn.moment is not None
        asked = crawl.budgets.asks[0]
        assert (asked.turns, asked.more, asked.seated) == (1, 0, True)

    run(scenario, delay=0.02)


def test_robots_txt_goes_by_the_turn_and_on_the_place_of_the_page_that_waits_for_it():
    async def scenario(crawl: Crawl) -> None:
        request, moment = page(), time.monotonic() + 0.01
        request.meta[TURN] = Turn("h", moment)
        robots = Request("http://h/robots.txt", callback=NO_CALLBACK, meta=ahead_of(request))
        assert (await crawl.turns.begin(robots)).moment == moment
        assert crawl.budgets.asks == []
        retry = robots.copy()  # which has no turn any more
        assert (await crawl.turns.begin(retry)).line is None
        assert [(ask.held, ask.more, ask.seated) for ask in crawl.budgets.asks] == [(0, 0, True)]
        assert not request.meta[TURN].timed  # it takes another turn
        elsewhere = robots.replace(url="http://other/robots.txt")  # where that page has no place
        assert (await crawl.turns.begin(elsewhere)).line is not None

    run(scenario, delay=100.0)  # where a turn may be seconds late


def test_a_request_that_is_cancelled_leaves_no_place_behind():
    async def scenario(crawl: Crawl) -> None:
        first, second = await crawl.take(), await crawl.take()
        waits = crawl.take()
        await settle(waits)
        crawl.turns.end(first)  # it may go now, and in this very moment it is cancelled
        waits.cancel()
        await asyncio.wait([waits])
        crawl.turns.end(second)
        await asyncio.gather(crawl.take(), crawl.take())

    run(scenario)


def test_a_few_pages_may_use_turns_that_are_in_stock_when_the_images_are_nearly_done():
    async def scenario(crawl: Crawl) -> None:
        assert crawl.turns.spare() == {}
        waiting = [crawl.take(f"{number}.png") for number in range(10)]
        await waiting[0]
        assert crawl.turns.spare() == {}
        for task in waiting[:9]:
            task.cancel()
        await asyncio.wait(waiting[:9])
        spare = crawl.turns.spare()["h"]
        assert 0 < spare <= 4
        for _ in range(spare):
            crawl.turns.leased(page(), None)
        assert crawl.turns.spare() == {}
        waiting[9].cancel()

    run(scenario, delay=1.0)
