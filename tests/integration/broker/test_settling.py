"""What a worker has done or gives back, told to a real Redis."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from scrapy import Request

from image_spider import config
from image_spider.broker.records import Released
from image_spider.frontier.budgets import FleetBudgets
from image_spider.frontier.buffer import LeaseBuffer
from image_spider.frontier.calls import Calls
from image_spider.frontier.leases import HeldLeases
from image_spider.frontier.outbox import Outbox
from image_spider.frontier.settling import Settling
from tests.integration.broker.conftest import Fleet

MANY = 1100  # one call of the broker takes 1,000


def test_more_than_one_call_takes_is_finished_and_given_back(run: Callable[..., None]):
    async def scenario(fleet: Fleet) -> None:
        budgets = FleetBudgets(hosts=fleet.hosts, worker=lambda: "w")
        calls = Calls(requests=fleet.frontier, settings=config.load({}), budgets=budgets, spare=dict)
        buffer = LeaseBuffer(
            lease=calls.lease,
            prepare=lambda leases: asyncio.sleep(0, leases),
            free=int,
            hungry=bool,
            look_ahead=0,
            arrived=int,
        )
        held = HeldLeases(in_progress=set, position=int)
        told: list[Released] = []
        settling = Settling(
            requests=fleet.frontier,
            worker=lambda: "w",
            calls=calls,
            outbox=Outbox(push=calls.push, pushed=print),
            images_settled=lambda: asyncio.sleep(0),
            held=held,
            buffer=buffer,
            released=told.append,
            settled=int,
        )
        await fleet.crawls.open(crawl="c", arguments="{}")
        for first in range(0, 2 * MANY, 550):
            await fleet.push(*map(str, range(first, first + 550)), crawl="c")
        while leases := (await fleet.lease(256, places=10_000)).leases:
            for leased in leases:
                held.add(request := Request(f"http://h.example/{leased.id}"), leased)
                held.answer(request)
                if int(leased.payload) % 2:
                    held.give_back(request, "not now", attempted=False)
        assert len(held) == 2 * MANY
        await settling.settle()
        assert not len(held)
        assert settling.finished == MANY
        assert len(told) == 4
        assert await fleet.command("HGET", ":crawl:c", "outstanding") == str(MANY).encode()
        assert len((await fleet.lease(256, places=10_000)).leases) == 256

    run(scenario)
