from __future__ import annotations

import asyncio
import time

import pytest

from benchmarks.middlewares import CONTESTANTS, cost_table
from benchmarks.stopwatch import timed


def busy(seconds: float) -> None:
    until = time.thread_time() + seconds
    while time.thread_time() < until:
        pass


def test_a_method_gives_what_it_gave_and_its_time_is_told():
    times: list[float] = []
    assert timed(lambda: busy(0.002) or "answer", times.append)() == "answer"
    assert times[0] >= 0.002
    with pytest.raises(ZeroDivisionError):
        timed(lambda: 1 // 0, times.append)()


def test_what_others_do_while_a_coroutine_waits_is_not_its_time():
    times: list[float] = []

    async def method() -> str:
        busy(0.002)
        await asyncio.sleep(0)
        busy(0.002)
        return "answer"

    async def run() -> str:
        async def other() -> None:
            busy(0.5)

        async def call() -> str:
            answer: str = await timed(method, times.append)()
            return answer

        one = asyncio.ensure_future(call())
        await asyncio.ensure_future(other())
        return await one

    assert asyncio.run(run()) == "answer"
    assert len(times) == 1
    assert 0.004 <= times[0] < 0.4


def test_a_coroutine_that_is_cancelled_hears_of_it():
    times: list[float] = []
    heard: list[bool] = []

    async def method() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            heard.append(True)
            raise

    async def run() -> None:
        async def call() -> None:
            await timed(method, times.append)()

        task = asyncio.ensure_future(call())
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(run())
    assert heard == [True]
    assert len(times) == 1


def test_the_costs_of_several_runs_are_their_medians():
    costs = [
        {"one": {"process_request": value, "process_response": 1.0, "process_exception": 0.0}}
        for value in (2.0, 9.0, 4.0)
    ]
    table = cost_table(costs)
    assert [list(column.cells) for column in table.columns] == [
        ["one", "all"],
        ["4.0", ""],
        ["1.0", ""],
        ["", ""],
        ["5.0", "5.0"],
    ]


def test_the_contestants_differ_in_their_middlewares_alone():
    assert CONTESTANTS["none"]["DOWNLOADER_MIDDLEWARES_BASE"] == "{}"
    assert "DOWNLOADER_MIDDLEWARES" not in CONTESTANTS["all"]
