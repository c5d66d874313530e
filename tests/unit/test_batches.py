import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from image_spider.batches import Batches


def batches(work: Callable[[Sequence[int]], Sequence[Any]], **options: Any) -> Batches[int, Any]:
    return Batches(work, **{"max_records": 200, "max_seconds": 0.01} | options)


def nothing(records: Sequence[int]) -> list[None]:
    return [None] * len(records)


def test_records_that_come_together_are_worked_off_together():
    seen: list[Sequence[int]] = []

    async def add_all() -> None:
        gathered = batches(lambda records: (seen.append(records), records)[1], max_records=4)
        await asyncio.gather(*(gathered.add(number) for number in range(10)))
        gathered.close()

    asyncio.run(add_all())
    assert seen == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]


def test_each_record_gets_its_own_result():
    async def add_all() -> list[int]:
        gathered = batches(lambda records: [record * 10 for record in records], max_records=4)
        results = await asyncio.gather(*(gathered.add(number) for number in range(10)))
        gathered.close()
        return results

    assert asyncio.run(add_all()) == [number * 10 for number in range(10)]


def test_a_record_waits_for_its_batch():
    events: list[str] = []

    def work(records: Sequence[int]) -> list[None]:
        events.append(f"worked off {len(records)}")
        return [None]

    async def add_one() -> None:
        gathered = batches(work)
        await gathered.add(1)
        events.append("went on")
        gathered.close()

    asyncio.run(add_one())
    assert events == ["worked off 1", "went on"]


def test_every_record_of_a_failed_batch_hears_of_it_and_the_next_batch_is_worked_off():
    done: list[int] = []

    def work(records: Sequence[int]) -> list[None]:
        if 0 in records:
            raise OSError("disk full")
        done.extend(records)
        return nothing(records)

    async def add_all() -> list[object]:
        gathered = batches(work, max_records=2)
        outcomes = await asyncio.gather(*(gathered.add(number) for number in range(3)), return_exceptions=True)
        gathered.close()
        return list(outcomes)

    outcomes = asyncio.run(add_all())
    assert [type(outcome) for outcome in outcomes] == [OSError, OSError, type(None)]
    assert done == [2]


def test_a_result_too_few_is_an_error_and_not_a_wait_for_ever():
    async def add_two() -> None:
        gathered = batches(lambda records: records[:1])
        try:
            await asyncio.gather(gathered.add(1), gathered.add(2))
        finally:
            gathered.close()

    with pytest.raises(ValueError, match="shorter"):
        asyncio.run(add_two())


def test_a_cancelled_caller_does_not_hold_up_the_others():
    async def add_two() -> None:
        gathered = batches(nothing)
        impatient = asyncio.create_task(gathered.add(1))
        patient = asyncio.create_task(gathered.add(2))
        await asyncio.sleep(0)
        impatient.cancel()
        await patient
        with pytest.raises(asyncio.CancelledError):
            await impatient
        gathered.close()

    asyncio.run(add_two())
