import asyncio
from collections.abc import Sequence

import pytest

from image_spider.catalog.batches import BatchWriter


def test_records_that_come_together_are_written_together():
    batches: list[Sequence[int]] = []

    async def add_all() -> None:
        writer = BatchWriter(batches.append, max_records=4, max_seconds=0.01)
        await asyncio.gather(*(writer.add(number) for number in range(10)))
        writer.close()

    asyncio.run(add_all())
    assert batches == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]


def test_a_record_waits_for_its_batch_to_be_written():
    events: list[str] = []

    async def add_one() -> None:
        writer = BatchWriter(lambda batch: events.append(f"wrote {len(batch)}"), max_seconds=0.01)
        await writer.add("x")
        events.append("went on")
        writer.close()

    asyncio.run(add_one())
    assert events == ["wrote 1", "went on"]


def test_every_record_of_a_failed_batch_hears_of_it_and_the_next_batch_is_written():
    written: list[int] = []

    def write(batch: Sequence[int]) -> None:
        if 0 in batch:
            raise OSError("disk full")
        written.extend(batch)

    async def add_all() -> list[object]:
        writer = BatchWriter(write, max_records=2, max_seconds=0.01)
        outcomes = await asyncio.gather(*(writer.add(number) for number in range(3)), return_exceptions=True)
        writer.close()
        return list(outcomes)

    outcomes = asyncio.run(add_all())
    assert [type(outcome) for outcome in outcomes] == [OSError, OSError, type(None)]
    assert written == [2]


def test_a_cancelled_caller_does_not_hold_up_the_others():
    async def add_two() -> None:
        writer = BatchWriter(lambda _: None, max_seconds=0.01)
        impatient = asyncio.create_task(writer.add(1))
        patient = asyncio.create_task(writer.add(2))
        await asyncio.sleep(0)
        impatient.cancel()
        await patient
        with pytest.raises(asyncio.CancelledError):
            await impatient
        writer.close()

    asyncio.run(add_two())
