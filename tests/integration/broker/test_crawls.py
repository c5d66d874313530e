"""States of crawls, and what they do to their requests."""

from __future__ import annotations

from itertools import pairwise

from image_spider.broker.records import CrawlState, Push, Pushed
from tests.integration.broker.conftest import REPORT, Fleet
from tests.integration.broker.test_frontier import fingerprint


async def drained(fleet: Fleet, crawl: str) -> None:
    for _ in range(100):
        record = await fleet.crawls.get(crawl=crawl)
        assert record
        if not record.outstanding:
            return
        await fleet.lease()
    raise AssertionError("requests of a stopped crawl are left")


def test_a_paused_crawl_gives_nothing_takes_requests_and_goes_on_where_it_was(run):
    async def scenario(fleet: Fleet):
        await fleet.push("a", "b")
        await fleet.push("x", crawl="other")
        assert await fleet.crawls.set_state(crawl="c", state=CrawlState.PAUSED)
        assert await fleet.take() == ["x"]
        assert await fleet.push("d", host="h") + await fleet.push("e", host="new") == [Pushed.QUEUED, Pushed.QUEUED]
        assert await fleet.take() == []
        await fleet.crawls.set_state(crawl="c", state=CrawlState.RUNNING)
        assert sorted(await fleet.take()) == ["a", "b", "d", "e"]

    run(scenario)


def test_a_paused_crawl_with_many_hosts_is_resumed_whole(run):
    async def scenario(fleet: Fleet):
        for number in range(350):
            await fleet.push(str(number), host=f"h{number}")
        await fleet.crawls.set_state(crawl="c", state=CrawlState.PAUSED)
        assert [await fleet.take(200) for _ in range(3)] == [[], [], []]
        assert await fleet.command("SCARD", ":parked:c") == 350
        await fleet.crawls.set_state(crawl="c", state=CrawlState.RUNNING)
        taken = [name for _ in range(6) for name in await fleet.take(200)]
        assert sorted(map(int, taken)) == [*range(350)]

    run(scenario)


def test_a_stopped_crawl_loses_what_is_queued_and_finishes_what_is_leased(run):
    async def scenario(fleet: Fleet):
        await fleet.push(*(str(number) for number in range(500)))
        await fleet.push("later", delay_ms=1)
        [leased] = (await fleet.lease(1)).leases
        await fleet.crawls.set_state(crawl="c", state=CrawlState.STOPPED)
        assert await fleet.push("late") == [Pushed.DROPPED]
        assert await fleet.take() == []
        await fleet.finish(leased)
        await drained(fleet, "c")
        record = await fleet.crawls.get(crawl="c")
        assert record
        assert (record.state, record.ended_ms is not None) == (CrawlState.STOPPED, True)
        assert record.counters["dropped"] == 501
        assert await fleet.command("HLEN", ":payloads") == 0

    run(scenario)


def test_a_crawl_that_is_stopped_while_paused_is_dropped_too(run):
    async def scenario(fleet: Fleet):
        await fleet.push("a", "b")
        await fleet.crawls.set_state(crawl="c", state=CrawlState.PAUSED)
        await fleet.take()
        await fleet.crawls.set_state(crawl="c", state=CrawlState.STOPPED)
        await drained(fleet, "c")

    run(scenario)


def test_a_stopped_crawl_stays_stopped_until_it_is_opened_anew(run):
    async def scenario(fleet: Fleet):
        await fleet.push("a")
        await fleet.crawls.set_state(crawl="c", state=CrawlState.STOPPED)
        assert not await fleet.crawls.set_state(crawl="c", state=CrawlState.RUNNING)
        assert await fleet.crawls.open(crawl="c", arguments="{}") is CrawlState.STOPPED
        assert await fleet.push("b") == [Pushed.QUEUED]

    run(scenario)


def test_a_finished_crawl_that_is_opened_in_time_knows_what_it_has_seen(run):
    async def scenario(fleet: Fleet):
        await fleet.crawls.open(crawl="c", arguments="first")
        await fleet.push("a", fingerprint=fingerprint("a"))
        await fleet.finish(*(await fleet.lease()).leases, pages=1)
        assert 0 < await fleet.command("PTTL", ":seen:c") <= 3_600_000
        assert 0 < await fleet.command("PTTL", ":seen:c/0") <= 3_600_000
        assert await fleet.crawls.open(crawl="c", arguments="second") is CrawlState.FINISHED
        assert await fleet.command("PTTL", ":seen:c/0") == -1
        assert await fleet.push("a", fingerprint=fingerprint("a")) == [Pushed.SEEN]
        record = await fleet.crawls.get(crawl="c")
        assert record
        assert (record.arguments, record.counters["pages"], record.ended_ms) == ("second", 1, None)

    run(scenario)


def test_a_crawl_whose_filter_is_gone_begins_anew(run):
    async def scenario(fleet: Fleet):
        await fleet.push("a", fingerprint=fingerprint("a"))
        await fleet.finish(*(await fleet.lease()).leases, pages=1)
        await fleet.command("DEL", ":seen:c", "")
        await fleet.crawls.open(crawl="c", arguments="")
        record = await fleet.crawls.get(crawl="c")
        assert record
        assert record.counters == {}

    run(scenario)


def test_a_push_may_reopen_a_finished_crawl(run):
    async def scenario(fleet: Fleet):
        await fleet.push("a", fingerprint=fingerprint("a"))
        await fleet.finish(*(await fleet.lease()).leases)
        request = Push(crawl="c", host="h", payload=b"b", fingerprint=fingerprint("b"))
        assert await fleet.frontier.push(worker="v", call=1, requests=[request], reopen=True) == (Pushed.QUEUED,)
        record = await fleet.crawls.get(crawl="c")
        assert record
        assert (record.state, record.outstanding, record.ended_ms) == (CrawlState.RUNNING, 1, None)
        assert await fleet.command("PTTL", ":seen:c/0") == -1

    run(scenario)


def test_a_crawl_without_requests_is_ended_on_demand(run):
    async def scenario(fleet: Fleet):
        await fleet.crawls.open(crawl="c", arguments="")
        assert await fleet.crawls.end_if_empty(crawl="c")
        await fleet.push("a", crawl="d")
        assert not await fleet.crawls.end_if_empty(crawl="d")
        assert not await fleet.crawls.set_state(crawl="nobody", state=CrawlState.PAUSED)

    run(scenario)


def test_crawls_are_listed_newest_first(run):
    async def scenario(fleet: Fleet):
        await fleet.crawls.open(crawl="old", arguments="")
        await fleet.command("ZADD", ":crawls", 1, "old")
        await fleet.command("ZADD", ":crawls", 1, "expired")
        await fleet.push("a", crawl="new")
        await fleet.claims.claim(worker="w", crawl="old", urls=["u"], max_images=2)
        await fleet.claims.settle(worker="w", crawl="old", url="u", result="ok", image="i", max_images=2)
        calls = fleet.client.calls
        listed = [(record.id, record.outstanding, images) for record, images in await fleet.crawls.newest(count=9)]
        assert listed == [("new", 1, 0), ("old", 0, 1)]
        assert [record.id for record, _ in await fleet.crawls.newest(count=1)] == ["new"]
        assert fleet.client.calls - calls == 2

    run(scenario)


def test_what_names_an_ended_crawl_goes_with_its_record(run):
    async def scenario(fleet: Fleet):
        await fleet.push("a")
        await fleet.push("b", crawl="d")
        held = (await fleet.lease()).leases
        await fleet.claims.claim(worker="w", crawl="c", urls=["u", "v"], max_images=5)
        await fleet.claims.settle(worker="w", crawl="c", url="u", result="ok", image="i", max_images=5)
        await fleet.finish(*(one for one in held if one.crawl == "c"))
        month = 30 * 86_400_000
        for key in (":crawl:c", ":images:c", ":claimed:c"):
            assert month - 60_000 < await fleet.command("PTTL", key) <= month
            await fleet.command("PEXPIRE", key, 1)
        await fleet.workers.reap(worker="w")
        while await fleet.command("EXISTS", ":crawl:c"):  # not before its time
            assert await fleet.command("ZSCORE", ":crawls", "c")
        await fleet.workers.reap(worker="w")
        assert [key.decode() for key in await fleet.client.keys(f"{fleet.options.name}:*:c")] == []
        assert (await fleet.workers.renew(worker="w", report=REPORT)).ended == ()
        assert await fleet.command("ZRANGE", ":crawls", 0, -1) == [b"d"]

    run(scenario)


def test_a_crawl_that_runs_again_keeps_what_it_has(run):
    async def scenario(fleet: Fleet):
        await fleet.push("a")
        await fleet.claims.claim(worker="w", crawl="c", urls=["u", "v"], max_images=5)
        await fleet.claims.settle(worker="w", crawl="c", url="u", result="ok", image="i", max_images=5)
        await fleet.push("a", fingerprint=fingerprint("a"))
        await fleet.finish(*(await fleet.lease()).leases)
        await fleet.crawls.open(crawl="c", arguments="")
        for key in (":crawl:c", ":images:c", ":claimed:c", ":seen:c"):
            assert await fleet.command("PTTL", key) == -1

    run(scenario)


def test_many_crawls_are_tidied_in_steps(run):
    async def scenario(fleet: Fleet):
        await fleet.command("ZADD", ":crawls", *(word for n in range(95) for word in (n, f"expired{n}")))
        await fleet.command("SADD", ":ended", *(f"expired{n}" for n in range(95)))
        left = [95]
        while left[-1]:
            await fleet.workers.reap(worker="w")
            left.append(await fleet.command("ZCARD", ":crawls"))
            assert left[-2] - left[-1] <= 10
        assert await fleet.command("SCARD", ":ended") == 0

    run(scenario)


def test_a_call_drops_a_thousand_requests_of_stopped_crawls_at_most_and_still_serves_the_others(run):
    async def scenario(fleet: Fleet):
        for number in range(30):
            await fleet.push(*("x" for _ in range(100)), host=f"h{number}")
        await fleet.push(*"ab", crawl="other", host="h29")
        await fleet.crawls.set_state(crawl="c", state=CrawlState.STOPPED)
        left = [3000]
        while left[-1]:
            if len(left) == 1:
                assert await fleet.take(200) == ["a", "b"]  # behind 29 hosts of the stopped one
            else:
                await fleet.lease(200)
            record = await fleet.crawls.get(crawl="c")
            assert record
            left.append(record.outstanding)
        assert [before - after for before, after in pairwise(left)] == [1000, 1000, 1000]
        assert record.ended_ms
        assert [key for name in ("queue:c/*", "host:*", "parked:*", "unparking", "ready") for key in
                await fleet.client.keys(f"{fleet.options.name}:{name}")] == []  # fmt: skip

    run(scenario)


def test_a_crawl_that_is_opened_again_while_it_is_dropped_keeps_what_is_left(run):
    async def scenario(fleet: Fleet):
        for number in range(15):
            await fleet.push(*(f"{number}" for _ in range(100)), host=f"h{number}")
        await fleet.crawls.set_state(crawl="c", state=CrawlState.STOPPED)
        assert await fleet.take() == []
        await fleet.crawls.open(crawl="c", arguments="")
        assert len(await fleet.take(200) + await fleet.take(200) + await fleet.take(200)) == 500

    run(scenario)
