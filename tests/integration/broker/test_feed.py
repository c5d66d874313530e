"""Start URLs on their way into the frontier: what a kill or a mistake on the way leaves behind."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

import pytest

from image_spider.broker.records import CrawlState, Push
from image_spider.frontier.feed import Feed
from image_spider.frontier.start_entries import StartEntry
from tests.integration.broker.conftest import REPORT, Fleet, until

URL = b"http://a.example/"


def feed_of(fleet: Fleet, worker: str = "w") -> Feed:
    def make(entry: StartEntry) -> Push:
        return Push(crawl=entry.crawl.id, host="a.example", payload=entry.url.encode())

    async def push(requests: Sequence[Push], *, batch: str) -> None:
        call = fleet.next_call(worker)
        await fleet.frontier.push(worker=worker, call=call, requests=requests, reopen=True, batch=batch)

    return Feed(start_urls=fleet.start_urls, crawls=fleet.crawls, make=make, push=push)


async def take_and_push(fleet: Fleet) -> None:
    """As a worker that is killed before it settles its batch."""
    await fleet.start_urls.add(entries=[URL])
    assert await fleet.start_urls.take(batch="b")
    push = Push(crawl="default", host="a.example", payload=URL)
    await fleet.frontier.push(worker="v", call=1, requests=[push], batch="b")


async def state_of(fleet: Fleet, crawl: str = "default") -> tuple[CrawlState, int]:
    record = await fleet.crawls.get(crawl=crawl)
    assert record
    return record.state, record.outstanding


@pytest.mark.parametrize("meanwhile", ["nothing", "finished", "stopped", "stopped and idle"])
def test_a_batch_that_was_pushed_and_is_taken_over_leaves_its_crawl_as_it_was(run, meanwhile: str):
    async def scenario(fleet: Fleet):
        await take_and_push(fleet)
        if meanwhile == "finished":
            await fleet.finish(*(await fleet.lease()).leases)
        elif meanwhile != "nothing":
            await fleet.crawls.set_state(crawl="default", state=CrawlState.STOPPED)
        if meanwhile == "stopped and idle":
            await fleet.lease()
        before = await state_of(fleet)
        await fleet.client.command("ZADD", f"{{{fleet.start_urls._key}}}:taken_at", 1, "b")
        assert await feed_of(fleet).take()
        assert await state_of(fleet) == before
        assert not await feed_of(fleet).take()

    run(scenario)


def test_a_batch_that_another_worker_pushes_at_the_last_moment_does_not_keep_its_crawl_open(run):
    async def scenario(fleet: Fleet):
        feed = feed_of(fleet)
        push = feed._push

        async def late(requests: Sequence[Push], *, batch: str) -> None:
            await fleet.frontier.push(worker="v", call=1, requests=requests, batch=batch)
            await fleet.finish(*(await fleet.lease()).leases)
            await fleet.crawls.open(crawl="default", arguments="{}")  # as this worker did before it was frozen
            await push(requests, batch=batch)

        feed._push = late
        await fleet.start_urls.add(entries=[URL])
        assert await feed.take()
        assert await state_of(fleet) == (CrawlState.FINISHED, 0)

    run(scenario)


def test_start_urls_that_come_later_continue_a_finished_crawl(run):
    async def scenario(fleet: Fleet):
        for _ in range(2):
            await fleet.start_urls.add(entries=[URL])
            assert await feed_of(fleet).take()
            assert await state_of(fleet) == (CrawlState.RUNNING, 1)
            await fleet.finish(*(await fleet.lease()).leases)
            assert await state_of(fleet) == (CrawlState.FINISHED, 0)

    run(scenario)


def test_a_crawl_whose_worker_is_killed_before_its_first_push_is_ended_by_the_others(run):
    async def scenario(fleet: Fleet):
        for crawl in ("killed", "young", "busy"):
            await fleet.crawls.open(crawl=crawl, arguments="{}")
        await fleet.push("a", crawl="busy")
        for crawl in ("killed", "busy"):
            await fleet.command("HSET", f":crawl:{crawl}", "started", 1)
        await fleet.workers.reap(worker="w")
        assert await state_of(fleet, "killed") == (CrawlState.FINISHED, 0)
        assert await state_of(fleet, "young") == (CrawlState.RUNNING, 0)
        assert await state_of(fleet, "busy") == (CrawlState.RUNNING, 1)
        assert (await fleet.workers.renew(worker="w", report=REPORT)).ended == ("killed",)

    run(scenario)


def test_a_key_of_another_type_is_told_once_with_the_remedy_and_start_urls_are_taken_when_it_is_mended(
    run, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("image_spider.frontier.feed.LOOK_SECONDS", 0.01)
    caplog.set_level(logging.INFO, "image_spider.frontier.feed")

    async def scenario(fleet: Fleet):
        key = fleet.start_urls._key
        await fleet.client.command("SET", key, "x")
        feeding = asyncio.ensure_future(feed_of(fleet).run())
        await until(lambda: bool(caplog.messages))
        calls = fleet.client.calls
        await until(lambda: fleet.client.calls > calls + 3)
        [message] = caplog.messages
        assert f"redis-cli rename {key} {{{key}}}:wrong" in message
        await fleet.client.command("RENAME", key, f"{{{key}}}:wrong")
        await fleet.start_urls.add(entries=[URL])
        await until(lambda: len(caplog.messages) == 3)
        assert caplog.messages[1:] == ["Start URLs can be taken again", "Took 1 start URLs for default"]
        feeding.cancel()

    run(scenario)
