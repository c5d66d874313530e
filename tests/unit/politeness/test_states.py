"""What several processes know of one host: what one learns, all hear, and nobody undoes it."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping

from image_spider.frontier.waiting import cancelled
from image_spider.politeness.asks import Told
from image_spider.politeness.breaker import Breaker
from image_spider.politeness.host_state import HostState, Observation
from image_spider.politeness.memory import LocalBudgets
from image_spider.politeness.pace import fresh
from image_spider.politeness.rules import Rules
from image_spider.politeness.states import TRIES, HostStates

RULES = Rules(delay=1.0, failures=4)
WELL = Observation(status=200, seconds=0.1)
FAILED = Observation(cause="timeout", seconds=0.1)
LATER = Observation(status=429, seconds=0.1, retry_after=60.0)


class Budgets(LocalBudgets):
    """A keeper that may lose what it was told, and that others may get ahead of."""

    def __init__(self) -> None:
        super().__init__(usual=fresh(RULES))
        self.looks = 0
        self.refusals = 0

    async def changes(self, since: int) -> Mapping[str, int]:
        self.looks += 1
        return await super().changes(since)

    async def tell(self, host: str, *, known: int, state: HostState | None) -> tuple[bool, Told]:
        if self.refusals:
            self.refusals -= 1
            return False, (await self.told([host]))[host]
        return await super().tell(host, known=known, state=state)


class Workers:
    """Two processes on one keeper."""

    def __init__(self) -> None:
        self.budgets = Budgets()
        self.counted: Counter[str] = Counter()
        self.tasks: list[asyncio.Task[None]] = []
        self.first, self.second = self._states(), self._states()

    def _states(self) -> HostStates:
        return HostStates(
            keeper=self.budgets, rules=RULES, run=self._run, count=lambda name: self.counted.update([name])
        )

    def _run(self, work):  # type: ignore[no-untyped-def]
        self.tasks.append(asyncio.ensure_future(work))
        return self.tasks[-1]

    async def version(self) -> int:
        return (await self.budgets.told(["h"]))["h"].version

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(20):
            while not condition():  # noqa: ASYNC110 - it has no event
                await asyncio.sleep(0)


def run(scenario: Callable[[Workers], Awaitable[None]]) -> None:
    async def main() -> None:
        workers = Workers()
        try:
            await scenario(workers)
        finally:
            await cancelled(workers.tasks)

    asyncio.run(main())


async def told(workers: Workers, after: int = 0) -> int:
    async with asyncio.timeout(20):
        while (version := await workers.version()) <= after:  # noqa: ASYNC110 - it has no event
            await asyncio.sleep(0)
    return version


async def changed(workers: Workers, version: int) -> None:
    async with asyncio.timeout(20):
        while await workers.version() == version:  # noqa: ASYNC110 - it has no event
            await asyncio.sleep(0)


def test_a_host_that_is_well_costs_no_call():
    async def scenario(workers: Workers) -> None:
        for _ in range(200):
            workers.first.observe("h", WELL)
            await asyncio.sleep(0)
        assert await workers.version() == 0
        assert workers.first.state("h").latency > 0

    run(scenario)


def test_what_one_hears_from_a_host_the_other_learns_with_its_version():
    async def scenario(workers: Workers) -> None:
        heard: list[str] = []
        workers.second.listen(heard.append)
        workers.first.observe("h", LATER)
        version = await told(workers)
        workers.second.heard("h", version)
        await workers.until(lambda: bool(heard))
        assert workers.second.state("h") == workers.first.state("h")
        assert workers.second.state("h").closed_until > workers.budgets.now() + 50
        workers.second.heard("h", version)  # nothing new
        assert heard == ["h"]

    run(scenario)


def test_who_writes_second_adds_to_what_the_first_has_written():
    async def scenario(workers: Workers) -> None:
        workers.first.observe("h", LATER)
        await told(workers)
        closed = workers.first.state("h").closed_until
        for _ in range(4):
            workers.second.observe("h", FAILED)
        await workers.until(lambda: workers.second.state("h").closed_until == closed)
        workers.second.observe("h", Observation(status=429, seconds=0.0))
        await workers.until(lambda: workers.second.state("h").slowed_at > workers.first.state("h").slowed_at)
        assert workers.second.state("h").closed_until == closed

    run(scenario)


def test_a_dead_host_is_down_for_everybody_and_up_for_all_with_the_first_answer():
    async def scenario(workers: Workers) -> None:
        version = 0
        for _ in range(RULES.failures):
            workers.first.observe("h", FAILED)
        version = await told(workers)
        workers.second.heard("h", version)
        await workers.until(lambda: workers.second.state("h").breaker is Breaker.OPEN)
        workers.second.observe("h", WELL)
        await workers.until(lambda: workers.second.state("h").breaker is Breaker.CLOSED)
        await changed(workers, version)
        workers.first.heard("h", await workers.version())
        await workers.until(lambda: workers.first.state("h").breaker is Breaker.CLOSED)

    run(scenario)


def test_the_delay_that_robots_txt_asks_for_is_told_once():
    async def scenario(workers: Workers) -> None:
        workers.first.set_floor("h", 7.0)
        version = await told(workers)
        workers.first.set_floor("h", 7.0)
        workers.second.heard("h", version)
        await workers.until(lambda: workers.second.state("h").delay == 7.0)
        workers.second.set_floor("h", 7.0)
        await asyncio.sleep(0.01)
        assert await workers.version() == version

    run(scenario)


def test_what_robots_txt_asks_for_outlives_a_keeper_that_has_lost_it():
    async def scenario(workers: Workers) -> None:
        workers.first.set_floor("h", 7.0)
        version = await told(workers)
        assert await workers.budgets.tell("h", known=version, state=None) == (True, Told())
        workers.first.heard("h", 0)
        await told(workers)
        assert (await workers.budgets.told(["h"]))["h"].state == workers.first.state("h")
        assert workers.first.state("h").delay == 7.0

    run(scenario)


def test_others_are_heard_of_while_this_process_has_news_all_the_time():
    async def scenario(workers: Workers) -> None:
        async def news() -> None:
            for number in range(1_000_000):
                workers.first.set_floor(f"{number % 100}", number % 7)
                await asyncio.sleep(0.01)

        telling = asyncio.ensure_future(news())
        await workers.until(lambda: workers.budgets.looks >= 2)
        await cancelled([telling])

    run(scenario)


def test_a_change_that_others_always_got_ahead_of_is_told_later():
    async def scenario(workers: Workers) -> None:
        workers.budgets.refusals = TRIES
        workers.first.observe("h", LATER)
        await told(workers)
        assert workers.counted["hosts/told_later"] == 1
        assert (await workers.budgets.told(["h"]))["h"].state == workers.first.state("h")

    run(scenario)
