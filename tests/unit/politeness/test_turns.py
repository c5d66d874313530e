"""Requests that wait for their turn in one process: order, halts, closed and dead hosts, places that come back."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from itertools import pairwise

import pytest
from scrapy import Request
from scrapy.http.request import NO_CALLBACK

from image_spider.frontier.waiting import cancelled
from image_spider.politeness.asks import Ask, Granted
from image_spider.politeness.breaker import Breaker
from image_spider.politeness.host_down import HostClosed, HostDown
from image_spider.politeness.host_state import HostState, Observation
from image_spider.politeness.memory import LocalBudgets
from image_spider.politeness.pace import fresh
from image_spider.politeness.rules import Rules
from image_spider.politeness.spacing import spaced
from image_spider.politeness.states import HostStates
from image_spider.politeness.turn import TURN, Turn, ahead_of
from image_spider.politeness.turns import Turns
from image_spider.unfinished import Halted

SECONDS = 20.0


class Budgets(LocalBudgets):
    """The budgets of a local run, which may be away, or take this worker for dead."""

    def __init__(self, rules: Rules) -> None:
        super().__init__(usual=fresh(rules))
        self.there = asyncio.Event()
        self.there.set()
        self.alive = True
        self.asks: list[Ask] = []

    async def ask(self, asks: Sequence[Ask]) -> Granted:
        await self.there.wait()
        self.asks += asks
        return await super().ask(asks) if self.alive else Granted(alive=False)


class Crawl:
    """A process's turns, with what a crawl does with them."""

    def __init__(self, *, in_fleet: bool = False, **rules: float) -> None:
        self.rules = Rules(**{"delay": 0.0, "places": 2, **rules})  # type: ignore[arg-type]
        self.budgets = Budgets(self.rules)
        self.ending = False
        self.in_fleet = in_fleet
        self.counted: Counter[str] = Counter()
        self.tasks: list[asyncio.Task[None]] = []
        self.states = HostStates(keeper=self.budgets, rules=self.rules, run=self._run)
        self.turns = Turns(
            keeper=self.budgets,
            states=self.states,
            delay=spaced(self.rules.delay),
            ending=lambda: self.ending,
            in_fleet=self.in_fleet,
            run=self._run,
            count=lambda name: self.counted.update([name]),
        )

    def _run(self, work):  # type: ignore[no-untyped-def]
        self.tasks.append(asyncio.ensure_future(work))
        return self.tasks[-1]

    def take(self, name: str = "1.png") -> asyncio.Task[Turn]:
        return asyncio.ensure_future(self.turns.take(image(name), image=True))


def run(scenario: Callable[[Crawl], Awaitable[None]], *, in_fleet: bool = False, **rules: float) -> None:
    async def main() -> None:
        crawl = Crawl(in_fleet=in_fleet, **rules)
        try:
            async with asyncio.timeout(SECONDS):
                await scenario(crawl)
        finally:
            await cancelled(crawl.tasks)

    asyncio.run(main())


def image(name: str = "1.png", crawl_id: str = "c") -> Request:
    return Request(f"http://h/{name}", callback=NO_CALLBACK, meta={"crawl_id": crawl_id})


def page(name: str = "1", crawl_id: str = "c") -> Request:
    return Request(f"http://h/{name}", meta={"crawl_id": crawl_id})


async def settle(*tasks: asyncio.Task[Turn]) -> None:
    """Let everybody go who can go now."""
    await asyncio.wait(tasks, timeout=0.1)


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
