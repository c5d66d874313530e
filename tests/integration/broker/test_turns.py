"""Turns and places of hosts: one budget for leases and for everything else, over all workers."""

from __future__ import annotations

import asyncio
import time
from itertools import pairwise

import pytest

from image_spider.broker.records import Terms
from image_spider.politeness.asks import Ask, Grant, Told
from image_spider.politeness.breaker import Breaker
from image_spider.politeness.host_state import HostState
from image_spider.politeness.spacing import spaced
from tests.integration.broker.conftest import DELAY, PLACES, Fleet, payloads

MS = 0.001
STEP = spaced(DELAY)
DELAY_MS = 1000 * STEP
SLOW = HostState(delay=10.0, places=1, latency=3.0, reason="slow")


def test_turns_of_two_workers_are_one_row_of_moments_and_leases_come_after_them(run):
    async def scenario(fleet: Fleet):
        await fleet.push("a")
        first = await fleet.grant(turns=3, more=1)
        second = await fleet.grant(worker="v", turns=2, more=1)
        assert (first.turns, second.turns, first.delay) == (3, 2, pytest.approx(STEP))
        assert second.first - first.first == pytest.approx(3 * STEP, abs=MS)
        leases = await fleet.lease(delay_ms=DELAY_MS)
        assert payloads(leases) == []
        assert leases.wait_ms is not None
        assert 1000 * 3 * STEP < leases.wait_ms < 1000 * 5 * STEP

    run(scenario)


def test_a_lease_takes_the_turn_of_its_host_and_says_when_that_is(run):
    async def scenario(fleet: Fleet):
        await fleet.push("a", "b")
        leases = await fleet.lease(delay_ms=DELAY_MS)
        [leased] = leases.leases
        assert (leased.terms, leased.at) == (Terms.TIMED, pytest.approx(leases.at, abs=0.01))
        grant = await fleet.grant(turns=1, more=1)
        assert grant.first - leased.at == pytest.approx(STEP, abs=MS)

    run(scenario)


def test_a_lease_comes_a_little_before_its_turn(run):
    async def scenario(fleet: Fleet):
        await fleet.push(*"abcd")
        leases = await fleet.lease(delay_ms=20)
        moments = [leased.at for leased in leases.leases]
        assert 2 <= len(moments) <= 4
        assert [after - before for before, after in pairwise(moments)] == [pytest.approx(0.02, abs=MS)] * (
            len(moments) - 1
        )
        assert moments[-1] - leases.at < 0.07

    run(scenario)


def test_a_repeated_call_gives_the_same_turns_and_a_late_one_none(run):
    async def scenario(fleet: Fleet):
        asks = [Ask(host="h", turns=2, held=0, more=1), Ask(host="other", turns=1, held=0, more=2)]
        first = await fleet.hosts.turns(worker="w", call=7, asks=asks)
        again = await fleet.hosts.turns(worker="w", call=7, asks=asks)
        assert again.grants == first.grants
        assert (await fleet.hosts.turns(worker="w", call=6, asks=asks)).grants == ()
        assert await fleet.busy() == 1
        later = await fleet.hosts.turns(worker="w", call=8, asks=[Ask(host="h", turns=1, held=1)])
        assert later.grants[0].first - first.grants[0].first == pytest.approx(2 * STEP, abs=MS)

    run(scenario)


def test_a_repeated_lease_call_says_that_the_turns_are_over(run):
    async def scenario(fleet: Fleet):
        await fleet.push("a", "b")
        options = {"worker": "w", "call": 1, "count": 2, "host_delay_ms": DELAY_MS, "host_concurrency": 4}
        await fleet.frontier.lease(**options)
        [again] = (await fleet.frontier.lease(**options)).leases
        assert again.terms is Terms.LATE
        assert again.has_place

    run(scenario)


def test_leases_and_images_share_the_places_of_a_host(run):
    async def scenario(fleet: Fleet):
        await fleet.push(*"abcdef")
        granted = await fleet.grant(more=9)
        assert granted.places == PLACES // 2  # about half of what is free
        leases = await fleet.lease(places=PLACES, delay_ms=1)
        assert len(leases.leases) == PLACES - granted.places
        assert (await fleet.grant(worker="v", more=1)).places == 0
        await fleet.frontier.answered(worker="w", leases=leases.leases[:1])
        assert (await fleet.grant(worker="v", more=1)).places == 1

    run(scenario)


def test_places_are_told_as_a_whole_number_and_what_is_given_back_can_be_leased(run):
    async def scenario(fleet: Fleet):
        first = await fleet.grant(more=9)
        second = await fleet.grant(held=first.places, more=9)
        assert await fleet.busy() == first.places + second.places
        await fleet.turns(held=2)
        await fleet.turns(held=2)
        assert await fleet.busy() == 2
        await fleet.push("a")
        assert await fleet.take(places=2) == []
        await fleet.turns(held=0)
        assert await fleet.command("EXISTS", ":busy", fleet.options.name + ":places:w") == 0
        assert await fleet.take(places=2) == ["a"]

    run(scenario)


def test_what_redis_forgot_of_places_is_mended_by_the_next_call(run):
    async def scenario(fleet: Fleet):
        await fleet.turns(more=2)
        await fleet.command("DEL", ":busy")
        await fleet.command("DEL", ":places:w")
        await fleet.turns(held=2)
        assert await fleet.busy() == 2

    run(scenario)


@pytest.mark.parametrize("end", ["dies", "leaves"])
def test_the_places_of_a_worker_that_is_gone_are_free_again(run, end: str):
    async def scenario(fleet: Fleet):
        await fleet.push("a", "b")
        await fleet.turns(more=9)
        await fleet.turns("other", more=1)
        await fleet.lease(1, worker="v", places=PLACES)
        assert await fleet.busy() == 1 + PLACES // 2
        if end == "dies":
            await fleet.expire("w")
            assert not (await fleet.turns(turns=1, held=2)).alive
            await fleet.workers.reap(worker="v")
        else:
            await fleet.workers.leave(worker="w")
        assert await fleet.busy() == 1
        assert await fleet.busy("other") == 0
        assert not (await fleet.turns(turns=1, held=2)).alive

    run(scenario)


def test_without_a_place_there_is_no_turn_but_for_a_request_that_has_its_place(run):
    async def scenario(fleet: Fleet):
        await fleet.push(*"abcd")
        assert len((await fleet.lease(places=PLACES)).leases) == PLACES
        refused = await fleet.grant(turns=5, more=1)
        assert (refused.turns, refused.places) == (0, 0)
        assert refused.wait > 0
        assert (await fleet.grant(turns=1, seated=True)).turns == 1

    run(scenario)


def test_who_waits_longest_for_a_place_is_next_and_who_has_one_gets_no_second(run):
    async def scenario(fleet: Fleet):
        await fleet.join("u")
        held = 0
        while (grant := await fleet.grant(held=held, more=1, turns=1)).places:
            held += grant.places
        for worker in "vu":
            assert (await fleet.grant(worker=worker, more=1, turns=1)).places == 0
        freed = await fleet.grant(held=held - 1, more=1)
        assert (freed.places, freed.others) == (0, 2)
        assert (await fleet.grant(worker="u", more=1, turns=1)).places == 0
        assert (await fleet.grant(worker="v", more=1, turns=1)).places == 1
        await fleet.turns(held=held - 2)
        assert (await fleet.grant(worker="u", more=1, turns=1)).places == 1
        assert await fleet.command("EXISTS", ":waiting") == 0

    run(scenario)


@pytest.mark.parametrize("delay_ms", [0, 1])
def test_pages_leave_one_place_to_images_that_wait_for_one_even_if_there_is_but_one(run, delay_ms: int):
    async def scenario(fleet: Fleet):
        hosts = type(fleet.hosts)(client=fleet.client, options=fleet.options, delay=delay_ms / 1000, places=2)

        async def grant(**asked: int) -> Grant:
            asks = [Ask(host="h", turns=0, **{"held": 0, **asked})]
            return (await hosts.turns(worker="w", call=fleet.next_call("w turns"), asks=asks)).grants[0]

        await fleet.push(*"abcdef")
        first = (await fleet.lease(places=2, delay_ms=delay_ms)).leases
        assert len(first) == 2
        assert (await grant(more=1)).places == 0
        await fleet.finish(first[0])
        assert await fleet.take(places=2, delay_ms=delay_ms) == []
        await fleet.finish(first[1])
        assert len(await fleet.take(places=2, delay_ms=delay_ms)) == 1
        assert (await grant(more=9)).places == 1
        await grant(held=0)
        assert len(await fleet.take(places=2, delay_ms=delay_ms)) == 1

    run(scenario)


def test_who_waited_for_a_place_and_is_gone_holds_nobody_up(run):
    async def scenario(fleet: Fleet):
        await fleet.push("a", "b")
        [leased] = (await fleet.lease(places=1)).leases
        hosts = type(fleet.hosts)(client=fleet.client, options=fleet.options, delay=0.0, places=1)
        [refused] = (await hosts.turns(worker="w", call=1, asks=[Ask(host="h", turns=0, held=0, more=1)])).grants
        assert refused.places == 0
        await fleet.finish(leased)
        assert await fleet.take(places=1) == []
        await fleet.command("HSET", ":waiting", "h", "w 1000")  # the time of its last call
        while not (taken := await fleet.take(places=1)):  # noqa: ASYNC110 - it is looked at again soon
            await asyncio.sleep(0.01)
        assert taken == ["b"]

    run(scenario)


def test_turns_are_given_no_further_than_a_minute_ahead(run):
    async def scenario(fleet: Fleet):
        first = await fleet.grant(turns=1000, more=1)
        assert first.turns == int(60 / STEP)
        assert (await fleet.grant(turns=1000, held=1)).turns == 1
        refused = await fleet.grant(turns=1, held=1)
        assert refused.turns == 0
        assert 0 < refused.wait <= 2 * STEP

    run(scenario)


def test_what_is_told_of_a_host_counts_for_leases_and_turns(run):
    async def scenario(fleet: Fleet):
        await fleet.push("a", "b", "c")
        written, told = await fleet.hosts.tell("h", known=0, state=SLOW, now=time.time())
        assert (written, told.state) == (True, SLOW)
        assert (await fleet.lease(delay_ms=0, places=9)).leases == (), "it has just answered somebody"
        granted = await fleet.turns(turns=2, more=2)
        (grant,) = granted.grants
        assert (grant.turns, grant.places, grant.delay, grant.version) == (2, SLOW.places, spaced(10.0), told.version)
        assert grant.first - granted.at == pytest.approx(spaced(10.0), abs=5)
        assert await fleet.hosts.all() == {"h": SLOW}

    run(scenario)


def test_a_closed_host_gives_nothing_until_its_time_and_others_do(run):
    async def scenario(fleet: Fleet):
        await fleet.push("a")
        await fleet.push("b", host="other")
        closed = HostState(delay=0.0, places=4, closed_until=time.time() + 100)
        await fleet.hosts.tell("h", known=0, state=closed, now=time.time())
        leases = await fleet.lease()
        assert payloads(leases) == ["b"]
        assert leases.wait_ms is not None
        grant = await fleet.grant(turns=1, more=1)
        assert grant.turns == 0
        assert 90 < grant.wait <= 100
        assert 90_000 < (await fleet.lease()).wait_ms <= 100_000

    run(scenario)


def test_requests_to_a_host_that_is_given_up_come_at_once_to_fail_and_take_no_place(run):
    async def scenario(fleet: Fleet):
        await fleet.push(*(f"{number}" for number in range(20)))
        down = HostState(delay=5.0, places=1, closed_until=time.time() + 100, breaker=Breaker.GIVEN_UP)
        await fleet.hosts.tell("h", known=0, state=down, now=time.time())
        leases = (await fleet.lease(20)).leases
        assert [leased.terms for leased in leases] == [Terms.DOWN] * 20
        assert await fleet.busy() == 0
        assert (await fleet.finish(*leases)).finished == 20
        assert await fleet.busy() == 0

    run(scenario)


def test_a_worker_may_lease_pages_for_turns_that_it_has_already(run):
    async def scenario(fleet: Fleet):
        await fleet.push("a", "b", "c")
        await fleet.turns(turns=5, more=1)
        assert await fleet.take(delay_ms=DELAY_MS) == []
        leases = (await fleet.lease(delay_ms=DELAY_MS, spare={"h": 2, "unknown": 3})).leases
        assert [(one.payload, one.terms, one.has_place) for one in leases] == [
            (b"a", Terms.NONE, False),
            (b"b", Terms.NONE, False),
        ]
        assert await fleet.busy() == 1
        assert (await fleet.finish(*leases)).finished == 2
        assert await fleet.busy() == 1
        assert (await fleet.grant(turns=1, held=1)).first > time.time() + 3 * STEP  # the clock has not moved

    run(scenario)


def test_two_workers_that_tell_at_the_same_time_do_not_undo_each_other(run):
    async def scenario(fleet: Fleet):
        tell, now = fleet.hosts.tell, time.time()
        _, first = await tell("h", known=0, state=SLOW, now=now)
        other = HostState(delay=20.0, places=1)
        assert await tell("h", known=0, state=other, now=now) == (False, first)
        assert await tell("h", known=0, state=SLOW, now=now) == (True, first)  # the reply was lost
        written, second = await tell("h", known=first.version, state=other, now=now)
        assert written
        assert second.version > first.version
        assert await fleet.hosts.told(["h", "i"]) == {"h": second, "i": Told()}
        assert await fleet.hosts.changes(first.version) == {"h": second.version}
        assert await tell("h", known=second.version, state=None, now=now) == (True, Told())
        assert await fleet.hosts.told(["h"]) == {"h": Told()}
        assert (await fleet.hosts.changes(second.version)).keys() == {"h"}

    run(scenario)


def test_a_state_that_another_version_wrote_counts_as_none(run):
    async def scenario(fleet: Fleet):
        await fleet.command("HSET", ":pace", "h", '5 1000 2 0 0 {"delay":1,"places":2,"more":3}')
        assert await fleet.hosts.told(["h"]) == {"h": Told(version=5)}
        assert (await fleet.hosts.tell("h", known=5, state=SLOW, now=0.0))[0]

    run(scenario)


def test_a_full_redis_still_gives_turns_and_hears_of_hosts(run):
    async def scenario(fleet: Fleet):
        await fleet.client.command("CONFIG", "SET", "maxmemory", "1")
        try:
            assert (await fleet.grant(turns=1, more=1)).turns == 1
            assert (await fleet.hosts.tell("h", known=0, state=SLOW, now=0.0))[0]
            await fleet.turns(held=0)
        finally:
            await fleet.client.command("CONFIG", "SET", "maxmemory", "0")

    run(scenario)
