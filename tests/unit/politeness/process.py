"""One process of a crawl: its turns, on the budgets of a local run."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence

from scrapy import Request
from scrapy.http.request import NO_CALLBACK

from image_spider.frontier.waiting import cancelled
from image_spider.politeness.asks import Ask, Granted
from image_spider.politeness.memory import LocalBudgets
from image_spider.politeness.pace import fresh
from image_spider.politeness.rules import Rules
from image_spider.politeness.spacing import spaced
from image_spider.politeness.states import HostStates
from image_spider.politeness.turn import Turn
from image_spider.politeness.turns import Turns

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
