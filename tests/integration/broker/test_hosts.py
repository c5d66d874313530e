"""What workers tell each other of hosts, and what it does to leases and turns."""

from __future__ import annotations

import time

import pytest

from image_spider.broker.records import Terms
from image_spider.politeness.asks import Told
from image_spider.politeness.breaker import Breaker
from image_spider.politeness.host_state import HostState
from image_spider.politeness.spacing import spaced
from tests.integration.broker.conftest import DELAY, Fleet, payloads

MS = 0.001
STEP = spaced(DELAY)
DELAY_MS = 1000 * STEP
SLOW = HostState(delay=10.0, places=1, latency=3.0, reason="slow")


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
