"""Requests that were given up can be read, and be tried again."""

from __future__ import annotations

import pytest

from image_spider.broker.records import CrawlState, Nack, Push, Pushed
from tests.integration.broker.conftest import Fleet, payloads


async def die(fleet: Fleet, *payload: str, crawl: str = "c") -> None:
    await fleet.push(*payload, crawl=crawl)
    held = (await fleet.lease(200)).leases
    nacks = [Nack(id=one.id, token=one.token, cause="tired", dead=True) for one in held]
    await fleet.frontier.nack(worker="w", nacks=nacks)


async def counts(fleet: Fleet) -> tuple[CrawlState, int, int]:
    record = await fleet.crawls.get(crawl="c")
    assert record
    return record.state, record.outstanding, record.counters["dead"]


def test_a_request_that_comes_with_a_cause_is_a_dead_letter_and_not_outstanding(run):
    async def scenario(fleet: Fleet):
        requests = [Push(crawl="c", host="", payload=b"{}", cause="no\nhost"), Push(crawl="c", host="h", payload=b"a")]
        first = await fleet.frontier.push(worker="w", call=1, requests=requests)
        assert first == await fleet.frontier.push(worker="w", call=1, requests=requests) == (Pushed.DEAD, Pushed.QUEUED)
        [letter] = await fleet.frontier.dead_letters()
        assert (letter.crawl, letter.host, letter.attempts, letter.cause) == ("c", "", 0, "no host")
        assert await counts(fleet) == (CrawlState.RUNNING, 1, 1)
        await fleet.crawls.set_state(crawl="c", state=CrawlState.STOPPED)
        assert await fleet.frontier.push(worker="w", call=2, requests=requests) == (Pushed.DROPPED, Pushed.DROPPED)

    run(scenario)


def test_dead_letters_are_queued_again_once_and_their_finished_crawl_runs_again(run):
    async def scenario(fleet: Fleet):
        await die(fleet, *(str(number) for number in range(150)))
        await die(fleet, "other", crawl="d")
        assert await counts(fleet) == (CrawlState.FINISHED, 0, 150)
        assert await fleet.frontier.requeue_dead(crawl="c") == 150
        assert await fleet.frontier.requeue_dead(crawl="c") == 0
        assert await counts(fleet) == (CrawlState.RUNNING, 150, 0)
        assert [letter.crawl for letter in await fleet.frontier.dead_letters()] == ["d"]
        leases = await fleet.lease(200, places=200)
        assert payloads(leases) == [str(number) for number in range(150)]
        assert {one.attempt for one in leases.leases} == {1}
        assert (await fleet.finish(*leases.leases)).ended == ("c",)

    run(scenario)


@pytest.mark.parametrize("limit", [1, 3, 100])
def test_letters_of_other_crawls_and_without_a_host_stay(run, limit: int, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("image_spider.broker.frontier.REQUEUE_LIMIT", limit)

    async def scenario(fleet: Fleet):
        for crawl in "cd":
            await fleet.push("rest", crawl=crawl, delay_ms=60_000)
        for number in range(5):
            await die(fleet, f"c{number}")
            await die(fleet, f"d{number}", crawl="d")
        lost = [Push(crawl="c", host="", payload=b"lost", cause="no host")]
        await fleet.frontier.push(worker="v", call=1, requests=lost)
        assert await fleet.frontier.requeue_dead(crawl="c") == 5
        assert sorted(await fleet.take()) == ["c0", "c1", "c2", "c3", "c4"]
        letters = [letter.payload.decode() for letter in await fleet.frontier.dead_letters()]
        assert letters == ["lost", "d4", "d3", "d2", "d1", "d0"]
        assert await fleet.frontier.requeue_dead(crawl="nobody") == 0

    run(scenario)


def test_dead_letters_of_a_stopped_crawl_run_and_those_of_a_paused_one_wait(run):
    async def scenario(fleet: Fleet):
        await fleet.push("rest", host="rest", delay_ms=60_000)
        await die(fleet, "a")
        await fleet.crawls.set_state(crawl="c", state=CrawlState.PAUSED)
        assert await fleet.frontier.requeue_dead(crawl="c") == 1
        assert await fleet.take() == []
        await fleet.crawls.set_state(crawl="c", state=CrawlState.RUNNING)
        await die(fleet)
        await fleet.crawls.set_state(crawl="c", state=CrawlState.STOPPED)
        assert await fleet.frontier.requeue_dead(crawl="c") == 1
        assert await fleet.take() == ["a"]

    run(scenario)
