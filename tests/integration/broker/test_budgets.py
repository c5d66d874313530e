"""The budgets of hosts, as a process sees them: in memory and in Redis they behave alike."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from image_spider.frontier.budgets import FleetBudgets
from image_spider.politeness.asks import Ask, BudgetKeeper, Grant, Told
from image_spider.politeness.host_state import HostState
from image_spider.politeness.memory import LocalBudgets
from image_spider.politeness.spacing import spaced
from tests.integration.broker.conftest import DELAY, PLACES, Fleet, run_on

Scenario = Callable[[BudgetKeeper], Awaitable[None]]
STEP = spaced(DELAY)


@pytest.fixture(params=["memory", "redis"])
def on_both(request: pytest.FixtureRequest) -> Callable[[Scenario], None]:
    """Run a scenario on budgets of its own."""
    if request.param == "memory":
        usual = HostState(delay=DELAY, places=PLACES)
        return lambda scenario: asyncio.run(scenario(LocalBudgets(usual=usual)))  # type: ignore[arg-type]
    url = request.getfixturevalue("redis_server").url

    def run(scenario: Scenario) -> None:
        async def on_redis(fleet: Fleet) -> None:
            await scenario(FleetBudgets(hosts=fleet.hosts, worker=lambda: "w"))

        run_on(url, on_redis)

    return run


async def ask(budgets: BudgetKeeper, **values: int) -> Grant:
    granted = await budgets.ask([Ask(host="h", **{"turns": 0, "held": 0, **values})])
    assert granted.alive
    return granted.grants[0]


def test_turns_go_on_where_the_last_ones_ended(on_both):
    async def scenario(budgets: BudgetKeeper) -> None:
        first = await ask(budgets, turns=3, more=1)
        second = await ask(budgets, turns=2, held=1)
        assert (first.turns, second.turns) == (3, 2)
        assert first.first == pytest.approx(budgets.now(), abs=2)
        assert second.first - first.first == pytest.approx(3 * STEP, abs=0.001)

    on_both(scenario)


def test_there_are_so_many_places_and_no_turn_without_one(on_both):
    async def scenario(budgets: BudgetKeeper) -> None:
        held = 0
        while granted := (await ask(budgets, held=held, more=PLACES)).places:
            held += granted
        assert held == PLACES
        nothing = await ask(budgets, turns=1)
        assert (nothing.turns, nothing.places) == (0, 0)
        assert (await ask(budgets, turns=1, seated=1)).turns == 1

    on_both(scenario)


def test_a_state_that_is_told_counts_and_only_who_knows_the_last_one_replaces_it(on_both):
    async def scenario(budgets: BudgetKeeper) -> None:
        slow = HostState(delay=5.0, places=1)
        written, told = await budgets.tell("h", known=0, state=slow)
        assert (written, told.state) == (True, slow)
        assert await budgets.tell("h", known=0, state=HostState(delay=9.0, places=1)) == (False, told)
        granted = await ask(budgets, turns=1, more=9)
        assert (granted.places, granted.delay, granted.version) == (1, pytest.approx(spaced(5.0)), told.version)
        assert await budgets.told(["h", "i"]) == {"h": told, "i": Told()}
        assert await budgets.tell("h", known=told.version, state=None) == (True, Told())
        assert (await ask(budgets, turns=1, held=1)).delay == pytest.approx(STEP)

    on_both(scenario)


def test_a_closed_host_says_when_to_ask_again(on_both):
    async def scenario(budgets: BudgetKeeper) -> None:
        await ask(budgets)  # so that the server's clock is known
        closed = HostState(delay=0.0, places=4, closed_until=budgets.now() + 60)
        await budgets.tell("h", known=0, state=closed)
        granted = await ask(budgets, turns=1, more=1)
        assert granted.turns == 0
        assert 50 < granted.wait <= 60.1

    on_both(scenario)
