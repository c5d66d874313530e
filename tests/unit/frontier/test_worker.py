"""What a worker does with leases, without the rest of it."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

from image_spider.broker.records import Leased
from image_spider.exceptions import PayloadError
from image_spider.frontier.worker import Worker


def leased(number: int, crawl: str) -> Leased:
    return Leased(id=str(number), token="t", attempt=1, crawl=crawl, host="h", priority=0, payload=b"")


def test_leases_of_a_crawl_that_is_forgotten_while_another_one_begins_are_given_back():
    registry: dict[str, Any] = {"paused": SimpleNamespace(halted="it is paused"), "known": SimpleNamespace(halted="")}
    given_back: list[tuple[list[str], bool]] = []

    async def begin(crawl_id: str) -> None:
        if crawl_id == "broken":
            raise PayloadError("its record cannot be read")
        registry.pop("known", None)  # as a heartbeat does that hears of its end

    worker = object.__new__(Worker)
    vars(worker).update(
        _spider=SimpleNamespace(crawls=registry, stopping=False),
        bookkeeper=SimpleNamespace(begin=begin),
        _give_back=lambda leases, cause, dead=False: given_back.append(([lease.id for lease in leases], dead)),
    )
    leases = [leased(number, crawl) for number, crawl in enumerate(("known", "new", "broken", "paused"))]
    assert asyncio.run(worker._prepare(leases)) == []
    assert given_back == [(["2"], True), (["0", "1", "3"], False)]
