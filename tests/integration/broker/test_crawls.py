"""States of crawls, and what they do to their requests."""

from __future__ import annotations

from image_spider.broker.records import CrawlState, Push, Pushed
from tests.integration.broker.conftest import Fleet
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
        assert [record.id for record in await fleet.crawls.all()] == ["new", "old"]

    run(scenario)
