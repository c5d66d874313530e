"""Pages per host and per crawl, counted where requests are queued; bytes per crawl."""

from __future__ import annotations

import hashlib
from typing import Any

from image_spider.broker.records import CrawlState, Push, Pushed
from tests.integration.broker.conftest import Fleet

Q, S, R = Pushed.QUEUED, Pushed.SEEN, Pushed.REFUSED


def page(name: str, *, host: str = "h", crawl: str = "c", **more: Any) -> Push:
    fingerprint = hashlib.md5(name.encode()).digest()
    return Push(crawl=crawl, host=host, payload=name.encode(), fingerprint=fingerprint, **more)


async def push(fleet: Fleet, *pages: Push, worker: str = "w") -> list[Pushed]:
    found = await fleet.frontier.push(worker=worker, call=fleet.next_call(worker), requests=pages)
    assert found is not None
    return list(found)


def test_a_host_is_asked_for_so_many_pages_by_a_crawl_over_all_workers(run):
    async def scenario(fleet: Fleet):
        assert await push(fleet, page("a"), page("b"), page("a")) == [Q, Q, S]
        assert await push(fleet, page("c"), page("d"), worker="v") == [Q, R]
        assert await push(fleet, page("e"), page("a"), page("f", host="other"), page("a", crawl="d")) == [R, R, Q, Q]
        assert (await fleet.crawls.get(crawl="c")).counters["refused"] == 3

    run(scenario, host_max_pages=3)


def test_retries_are_no_further_pages(run):
    async def scenario(fleet: Fleet):
        assert await push(fleet, page("a"), Push(crawl="c", host="h", payload=b"again"), page("b")) == [Q, Q, R]

    run(scenario, host_max_pages=1)


def test_start_urls_are_pages_too(run):
    async def scenario(fleet: Fleet):
        assert await push(fleet, page("a", dont_filter=True), page("b", dont_filter=True)) == [Q, R]

    run(scenario, host_max_pages=1)


def test_a_crawl_is_given_its_pages_and_ends_with_the_last_one(run):
    async def scenario(fleet: Fleet):
        await fleet.crawls.open(crawl="c", arguments="", max_pages=3)
        pages = [page(str(number), host=f"h{number}") for number in range(5)]
        assert await push(fleet, pages[0], pages[0], pages[1]) == [Q, S, Q]
        assert await push(fleet, *pages[2:]) == [Q, R, R]
        leases = (await fleet.lease()).leases
        assert len(leases) == 3
        assert (await fleet.finish(*leases)).ended == ("c",)
        record = await fleet.crawls.get(crawl="c")
        assert (record.state, record.counters["asked"], record.counters["refused"]) == (CrawlState.FINISHED, 3, 2)

    run(scenario)


def test_a_crawl_that_begins_anew_has_its_pages_anew(run):
    async def scenario(fleet: Fleet):
        await fleet.crawls.open(crawl="c", arguments="", max_pages=1)
        assert await push(fleet, page("a"), page("b")) == [Q, R]
        await fleet.finish(*(await fleet.lease()).leases)
        await fleet.command("DEL", ":seen:c", fleet.options.name + ":seen:c/0")  # SEEN_SECONDS later
        await fleet.crawls.open(crawl="c", arguments="", max_pages=2)
        assert await push(fleet, page("a"), page("b"), page("c")) == [Q, Q, R]
        await fleet.crawls.set_state(crawl="c", state=CrawlState.STOPPED)
        await fleet.crawls.open(crawl="c", arguments="")
        assert await push(fleet, page("d")) == [Q], "opened again without a limit"

    run(scenario, host_max_pages=10)


def test_bytes_are_added_up_over_processes_and_repeated_calls_count_once(run):
    async def scenario(fleet: Fleet):
        await fleet.crawls.open(crawl="c", arguments="")
        count = fleet.crawls.count_bytes
        assert await count(crawl="c", receiver="p", number=2**40) == 2**40
        assert await count(crawl="c", receiver="q", number=7) == 2**40 + 7
        assert await count(crawl="c", receiver="p", number=2**40 + 3) == 2**40 + 10
        assert await count(crawl="c", receiver="p", number=2**40 + 3) == 2**40 + 10
        assert await fleet.crawls.bytes_received(crawl="c") == 2**40 + 10
        assert await count(crawl="unknown", receiver="p", number=5) == 0

    run(scenario)
