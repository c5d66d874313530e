"""The two ends of a worker's queue: nothing is reordered, lost or asked for without need."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from image_spider.broker.records import Leased, Leases, Push, Pushed
from image_spider.frontier.buffer import LeaseBuffer
from image_spider.frontier.outbox import BATCH_REQUESTS, Outbox
from image_spider.frontier.waiting import cancelled


def push(number: int) -> Push:
    return Push(crawl="c", host="h", payload=str(number).encode())


def test_requests_keep_their_order_and_are_acknowledged_in_batches():
    batches: list[Sequence[Push]] = []
    results: list[Pushed] = []

    async def send(requests: Sequence[Push]) -> Sequence[Pushed]:
        batches.append(requests)
        await asyncio.sleep(0)
        return [Pushed.QUEUED] * len(requests)

    async def run() -> None:
        box = Outbox(push=send, pushed=results.append)
        task = asyncio.create_task(box.run())
        for number in range(2 * BATCH_REQUESTS + 1):
            box.add(push(number))
        assert len(box) == box.added
        await asyncio.wait_for(box.flush(), 5)
        assert box.acknowledged == box.added == len(results)
        await cancelled([task])

    asyncio.run(run())
    assert [len(batch) for batch in batches] == [BATCH_REQUESTS, BATCH_REQUESTS, 1]
    assert [request.payload for batch in batches for request in batch] == [
        str(number).encode() for number in range(2 * BATCH_REQUESTS + 1)
    ]


def test_what_is_added_during_a_push_waits_for_the_next_batch():
    batches: list[int] = []

    async def run() -> None:
        async def send(requests: Sequence[Push]) -> Sequence[Pushed]:
            batches.append(len(requests))
            if box.added < 20:
                box.add(push(box.added))
            return [Pushed.QUEUED] * len(requests)

        box = Outbox(push=send, pushed=lambda _: None)
        for number in range(10):
            box.add(push(number))
        await box.flush()
        assert (box.acknowledged, len(box)) == (10, 1)
        await box.flush()
        assert (box.acknowledged, len(box)) == (11, 1)

    asyncio.run(run())
    assert batches == [10, 1]


def test_a_hurry_during_a_push_is_not_forgotten():
    async def run() -> None:
        async def send(requests: Sequence[Push]) -> Sequence[Pushed]:
            if box.added == 1:
                box.add(push(1))
                box.hurry()
            return [Pushed.QUEUED] * len(requests)

        box = Outbox(push=send, pushed=lambda _: None)
        task = asyncio.create_task(box.run())
        box.add(push(0))
        box.hurry()
        for _ in range(20):  # turns of the loop, which take no time: far less than a batch waits by itself
            await asyncio.sleep(0)
        assert box.acknowledged == 2
        await cancelled([task])

    asyncio.run(run())


class Source:
    """Gives leases while it has some."""

    def __init__(self, count: int) -> None:
        self.left = count
        self.calls: list[int] = []

    async def lease(self, count: int) -> Leases:
        self.calls.append(count)
        given = min(count, self.left)
        first = self.left
        self.left -= given
        leases = tuple(
            Leased(id=str(first - number), token="t", attempt=1, crawl="c", host="h", priority=0, payload=b"")
            for number in range(given)
        )
        return Leases(alive=True, leases=leases, wait_ms=None)


def buffer(source: Source, *, look_ahead: int, free: int = 0) -> LeaseBuffer:
    async def prepare(leases: Sequence[Leased]) -> Sequence[Leased]:
        return leases

    return LeaseBuffer(
        lease=source.lease,
        prepare=prepare,
        free=lambda: free,
        hungry=lambda: True,
        look_ahead=look_ahead,
        arrived=lambda: None,
    )


async def filled(leases: LeaseBuffer, count: int) -> None:
    async with asyncio.timeout(10):
        while len(leases) < count:  # noqa: ASYNC110 - the buffer has no event for it
            await asyncio.sleep(0)


async def drain(leases: LeaseBuffer, count: int) -> list[str]:
    task = asyncio.create_task(leases.run())
    taken: list[str] = []
    async with asyncio.timeout(10):
        while len(taken) < count:
            if leased := leases.pop():
                taken.append(leased.id)
            else:
                await asyncio.sleep(0)
    await cancelled([task])
    return taken


def test_leases_come_in_their_order_and_few_calls_bring_many():
    source = Source(1000)
    taken = asyncio.run(drain(buffer(source, look_ahead=32), 1000))
    assert taken == [str(number) for number in range(1000, 0, -1)]
    assert len(source.calls) < 100


def test_with_a_delay_no_more_is_asked_for_than_can_be_started():
    source = Source(100)

    async def run() -> None:
        leases = buffer(source, look_ahead=0, free=5)
        task = asyncio.create_task(leases.run())
        await filled(leases, 5)
        await cancelled([task])
        assert len(leases) == 5

    asyncio.run(run())
    assert source.calls == [5]


def test_the_requests_of_one_crawl_can_be_taken_out():
    source = Source(10)

    async def run() -> None:
        leases = buffer(source, look_ahead=32)
        task = asyncio.create_task(leases.run())
        await filled(leases, 10)
        await cancelled([task])
        assert leases.take_out("other") == []
        assert len(leases.take_out("c")) == 10
        assert leases.pop() is None

    asyncio.run(run())
