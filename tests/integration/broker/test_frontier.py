"""Push, lease, finish and nack, on one server."""

from __future__ import annotations

import hashlib

import pytest

from image_spider.broker.records import CrawlState, Finish, Nack, Push, Pushed
from tests.integration.broker.conftest import Fleet, payloads


def fingerprint(text: str) -> bytes:
    return hashlib.md5(text.encode()).digest()


def nack(one, **options):
    return Nack(id=one.id, token=one.token, cause=options.pop("cause", "no answer"), **options)


def test_equal_priorities_are_first_in_first_out_and_higher_ones_come_before(run):
    async def scenario(fleet: Fleet):
        await fleet.push("a", "b", "c")
        await fleet.push("d", priority=5)
        await fleet.push("e", priority=-5)
        assert await fleet.take(2) == ["d", "a"]
        assert await fleet.take() == ["b", "c", "e"]

    run(scenario)


def test_payloads_may_be_any_bytes(run):
    async def scenario(fleet: Fleet):
        payload = bytes(range(256)) + b"\n\n"
        await fleet.frontier.push(
            worker="w", call=1, requests=[Push(crawl="c", host="h", payload=payload, priority=-3)]
        )
        [leased] = (await fleet.lease()).leases
        assert (leased.payload, leased.priority, leased.host, leased.crawl) == (payload, -3, "h", "c")
        await fleet.frontier.nack(worker="w", nacks=[nack(leased, dead=True, cause="cannot\nread  it")])
        [letter] = await fleet.frontier.dead_letters()
        assert (letter.payload, letter.cause, letter.attempts) == (payload, "cannot read it", 1)

    run(scenario)


def test_a_repeated_push_call_changes_nothing_and_answers_the_same(run):
    async def scenario(fleet: Fleet):
        requests = [Push(crawl="c", host="h", payload=b"a"), Push(crawl="c", host="h", payload=b"b")]
        first = await fleet.frontier.push(worker="w", call=1, requests=requests)
        assert first == await fleet.frontier.push(worker="w", call=1, requests=requests)
        assert await fleet.take() == ["a", "b"]
        record = await fleet.crawls.get(crawl="c")
        assert record
        assert record.outstanding == 2

    run(scenario)


def test_a_push_call_that_arrives_after_a_later_one_does_nothing(run):
    async def scenario(fleet: Fleet):
        await fleet.frontier.push(worker="w", call=2, requests=[Push(crawl="c", host="h", payload=b"b")])
        assert await fleet.frontier.push(worker="w", call=1, requests=[Push(crawl="c", host="h", payload=b"a")]) == ()
        assert await fleet.take() == ["b"]

    run(scenario)


def test_a_repeated_lease_call_gives_the_same_leases_and_a_late_one_none(run):
    async def scenario(fleet: Fleet):
        await fleet.push("a", "b", "c")
        options = {"worker": "w", "count": 2, "host_delay_ms": 0, "host_concurrency": 9}
        first = await fleet.frontier.lease(call=7, **options)
        again = await fleet.frontier.lease(call=7, **options)
        assert sorted(payloads(again)) == payloads(first) == ["a", "b"]
        assert payloads(await fleet.frontier.lease(call=6, **options)) == []
        assert payloads(await fleet.frontier.lease(call=8, **options)) == ["c"]

    run(scenario)


def test_a_fingerprint_is_queued_once(run):
    async def scenario(fleet: Fleet):
        assert await fleet.push("a", fingerprint=fingerprint("a")) == [Pushed.QUEUED]
        assert await fleet.push("b", "c", fingerprint=fingerprint("a")) == [Pushed.SEEN, Pushed.SEEN]
        assert await fleet.push("d", fingerprint=fingerprint("a"), dont_filter=True) == [Pushed.QUEUED]
        assert await fleet.push("e", crawl="other", fingerprint=fingerprint("a")) == [Pushed.QUEUED]
        assert await fleet.push("f", "f") == [Pushed.QUEUED, Pushed.QUEUED]

    run(scenario)


def test_a_start_url_is_remembered_though_it_is_not_checked(run):
    async def scenario(fleet: Fleet):
        await fleet.push("a", fingerprint=fingerprint("a"), dont_filter=True)
        assert await fleet.push("a", fingerprint=fingerprint("a")) == [Pushed.SEEN]

    run(scenario)


def test_a_batch_of_start_urls_is_pushed_once_whoever_pushes_it(run):
    async def scenario(fleet: Fleet):
        request = [Push(crawl="c", host="h", payload=b"a")]
        assert await fleet.frontier.push(worker="w", call=1, requests=request, batch="b1") == (Pushed.QUEUED,)
        assert await fleet.frontier.push(worker="w", call=1, requests=request, batch="b1") == (Pushed.QUEUED,)
        assert await fleet.frontier.push(worker="v", call=1, requests=request, batch="b1") == ()
        assert await fleet.take() == ["a"]

    run(scenario)


def test_a_host_has_no_more_leases_in_flight_than_its_places_over_all_workers(run):
    async def scenario(fleet: Fleet):
        await fleet.push(*"abcdef")
        held = await fleet.lease(places=2)
        assert payloads(held) == ["a", "b"]
        assert await fleet.take(worker="v", places=2) == []
        await fleet.finish(held.leases[0])
        assert await fleet.take(worker="v", places=2) == ["c"]
        assert await fleet.take(places=4) == []  # not looked for until a place is freed
        await fleet.finish(held.leases[1])
        assert await fleet.take(places=4) == ["d", "e", "f"]

    run(scenario)


def test_an_answered_request_frees_its_place_once_and_stays_leased(run):
    async def scenario(fleet: Fleet):
        await fleet.push(*"abcdefgh")
        held = (await fleet.lease(places=2)).leases
        for _ in range(2):  # a repeated call changes nothing
            await fleet.frontier.answered(worker="w", leases=held[:1])
        await fleet.frontier.answered(worker="v", leases=held[1:])  # not its lease
        assert await fleet.take(places=2) == ["c"]
        await fleet.finish(held[0])
        assert await fleet.take(places=2) == []
        await fleet.frontier.nack(worker="w", nacks=[nack(held[1])])
        assert len(await fleet.take(places=2)) == 1
        record = await fleet.crawls.get(crawl="c")
        assert record
        assert record.outstanding == 7

    run(scenario)


def test_a_host_gives_one_request_per_delay_over_all_workers(run):
    async def scenario(fleet: Fleet):
        await fleet.push(*"abc")
        await fleet.push("x", host="other")
        first = await fleet.lease(delay_ms=60_000)
        assert sorted(payloads(first)) == ["a", "x"]
        assert first.wait_ms is not None
        assert 59_000 < first.wait_ms <= 60_000
        assert await fleet.take(worker="v", delay_ms=60_000) == []
        await fleet.finish(*first.leases)
        await fleet.push("y", host="other")  # the host was empty; its clock is remembered
        assert await fleet.take(delay_ms=60_000) == []

    run(scenario)


def test_crawls_take_turns_on_a_host(run):
    async def scenario(fleet: Fleet):
        await fleet.push(*(f"a{number}" for number in range(50)), crawl="a")
        await fleet.push("b0", "b1", "b2", crawl="b")
        await fleet.push("c0", "c1", "c2", crawl="c")
        taken = await fleet.take(9)
        assert {crawl: sum(name[0] == crawl for name in taken) for crawl in "abc"} == {"a": 3, "b": 3, "c": 3}

    run(scenario)


def test_hosts_take_turns(run):
    async def scenario(fleet: Fleet):
        for number in range(30):
            await fleet.push(*(f"{number}" for _ in range(5)), host=f"h{number}")
        taken = [name for _ in range(5) for name in await fleet.take(10)]  # one millisecond is one turn
        assert len(set(taken)) == 30

    run(scenario)


def test_a_delayed_request_waits(run):
    async def scenario(fleet: Fleet):
        await fleet.push("later", delay_ms=60_000)
        leases = await fleet.lease()
        assert payloads(leases) == []
        assert leases.wait_ms is not None
        assert leases.wait_ms > 50_000
        [id_] = await fleet.command("ZRANGE", ":delayed", 0, -1)
        await fleet.command("ZADD", ":delayed", 1, id_)
        assert await fleet.take() == ["later"]

    run(scenario)


def test_a_late_finish_does_not_release_another_workers_lease(run):
    async def scenario(fleet: Fleet):
        await fleet.push("a")
        [old] = (await fleet.lease()).leases
        await fleet.expire("w")
        assert (await fleet.workers.reap(worker="v")).returned == 1
        [new] = (await fleet.lease(worker="v")).leases
        assert new.id == old.id
        assert (await fleet.finish(old)).finished == 0
        assert (await fleet.finish(new, worker="v")).finished == 1

    run(scenario)


def test_a_lease_finished_twice_counts_once(run):
    async def scenario(fleet: Fleet):
        await fleet.push("a", "b")
        leased = (await fleet.lease(1)).leases
        assert (await fleet.finish(*leased, pages=1, images=7)).finished == 1
        assert (await fleet.finish(*leased, pages=1, images=7)).finished == 0
        record = await fleet.crawls.get(crawl="c")
        assert record
        assert record.outstanding == 1
        assert record.counters == {"queued": 2, "finished": 1, "pages": 1, "images": 7}

    run(scenario)


def test_one_finish_call_that_names_a_lease_twice_counts_it_once(run):
    async def scenario(fleet: Fleet):
        await fleet.push("a", "b")
        [leased] = (await fleet.lease(1)).leases
        assert (await fleet.finish(leased, leased)).finished == 1

    run(scenario)


def test_a_crawl_ends_with_its_last_request_and_not_before(run):
    async def scenario(fleet: Fleet):
        await fleet.push("parent")
        [parent] = (await fleet.lease()).leases
        await fleet.push("child", delay_ms=1)
        assert (await fleet.finish(parent)).ended == ()
        [id_] = await fleet.command("ZRANGE", ":delayed", 0, -1)
        await fleet.command("ZADD", ":delayed", 1, id_)
        [child] = (await fleet.lease()).leases
        assert (await fleet.finish(child)).ended == ("c",)
        record = await fleet.crawls.get(crawl="c")
        assert record
        assert (record.state, record.outstanding, record.ended_ms is not None) == (CrawlState.FINISHED, 0, True)
        assert await fleet.push("late") == [Pushed.DROPPED]

    run(scenario)


def test_a_request_that_failed_too_often_is_a_dead_letter_with_its_cause(run):
    async def scenario(fleet: Fleet):
        await fleet.push("a")
        for attempt in (1, 2):
            [leased] = (await fleet.lease()).leases
            assert leased.attempt == attempt
            assert (await fleet.frontier.nack(worker="w", nacks=[nack(leased)])).returned == 1
        [leased] = (await fleet.lease()).leases
        released = await fleet.frontier.nack(worker="w", nacks=[nack(leased, cause="timeout")])
        assert (released.dead, released.ended) == (1, ("c",))
        [letter] = await fleet.frontier.dead_letters()
        assert (letter.cause, letter.attempts, letter.payload, letter.crawl) == ("timeout", 3, b"a", "c")
        assert await fleet.take() == []

    run(scenario, max_attempts=3)


def test_a_request_given_back_unharmed_has_no_attempt_more_and_keeps_its_place(run):
    async def scenario(fleet: Fleet):
        await fleet.push("a", "b")
        [leased] = (await fleet.lease(1)).leases
        await fleet.frontier.nack(worker="w", nacks=[nack(leased, attempted=False)])
        again = await fleet.lease()
        assert payloads(again) == ["a", "b"]
        assert [one.attempt for one in again.leases] == [1, 1]

    run(scenario)


def test_a_nack_may_wait_before_the_next_attempt(run):
    async def scenario(fleet: Fleet):
        await fleet.push("a")
        [leased] = (await fleet.lease()).leases
        await fleet.frontier.nack(worker="w", nacks=[nack(leased, delay_ms=60_000)])
        assert await fleet.take() == []
        assert await fleet.frontier.finish(worker="w", finishes=[Finish(id=leased.id, token=leased.token)]) is not None
        record = await fleet.crawls.get(crawl="c")
        assert record
        assert (record.outstanding, record.state) == (1, CrawlState.RUNNING)

    run(scenario)


def test_emptying_the_frontier_leaves_no_key(run):
    async def scenario(fleet: Fleet):
        await fleet.push("a", "b", fingerprint=fingerprint("a"))
        await fleet.lease()
        await fleet.frontier.empty()
        assert await fleet.client.keys(fleet.options.name + "*") == []

    run(scenario)


@pytest.mark.parametrize("name", ["", "a b", "a/b", "a\n", "a\xa0b"])
def test_a_host_or_crawl_that_leases_could_not_name_is_refused(run, name: str):
    async def scenario(fleet: Fleet):
        for request in (Push(crawl="c", host=name, payload=b""), Push(crawl=name, host="h", payload=b"")):
            with pytest.raises(ValueError, match="empty or has a space"):
                await fleet.frontier.push(worker="w", call=1, requests=[request])

    run(scenario)
