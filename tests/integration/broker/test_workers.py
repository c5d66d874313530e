"""Heartbeats, reaping and leaving."""

from __future__ import annotations

import pytest

from image_spider.broker.records import Answered, CrawlState, Finish, Push, WorkerReport
from tests.integration.broker.conftest import REPORT, Fleet, payloads

A_PUSH = Push(crawl="c", host="h", payload=b"child")


def test_a_dead_workers_requests_go_to_others_and_no_attempt_is_counted(run):
    async def scenario(fleet: Fleet):
        await fleet.push(*"abcde")
        await fleet.lease(3)
        assert (await fleet.workers.reap(worker="v")).returned == 0
        await fleet.expire("w")
        assert (await fleet.workers.reap(worker="v")).returned == 3
        leases = await fleet.lease(worker="v")
        assert sorted(payloads(leases)) == [*"abcde"]
        assert sorted(one.attempt for one in leases.leases) == [1, 1, 1, 1, 1]

    run(scenario)


def test_a_request_that_kills_its_workers_becomes_a_dead_letter(run):
    async def scenario(fleet: Fleet):
        await fleet.push("poison")
        for number in range(2):
            await fleet.join(f"victim{number}")
            await fleet.lease(worker=f"victim{number}")
            await fleet.expire(f"victim{number}")
            released = await fleet.workers.reap(worker="w")
        assert (released.dead, released.ended) == (1, ("c",))
        [letter] = await fleet.frontier.dead_letters()
        assert letter.cause == "worker lost"

    run(scenario, max_losses=2)


def test_requests_that_were_lost_together_twice_come_back_apart(run):
    async def scenario(fleet: Fleet):
        await fleet.push(*"abcde")
        for worker in ("victim0", "victim1"):
            await fleet.join(worker)
            assert len((await fleet.lease(worker=worker)).leases) == 5
            await fleet.expire(worker)
            assert (await fleet.workers.reap(worker="w")).returned == 5
        first = await fleet.lease()
        assert len(first.leases) <= 1
        assert first.wait_ms is not None
        assert first.wait_ms <= 200

    run(scenario)


def test_a_worker_with_many_leases_is_reaped_in_steps(run):
    async def scenario(fleet: Fleet):
        for _ in range(4):
            await fleet.push(*(f"{number}" for number in range(250)))
            await fleet.lease(250, places=5000)
        await fleet.expire("w")
        returned, steps, more = 0, 0, True
        while more:
            step = await fleet.workers.reap(worker="v", limit=100)
            returned, steps, more = returned + step.returned, steps + 1, step.more
            assert not (await fleet.workers.renew(worker="w", report=REPORT)).alive
        assert returned == 1000
        assert steps > 2

    run(scenario)


def test_a_worker_that_was_reaped_learns_it_and_gets_nothing(run):
    async def scenario(fleet: Fleet):
        await fleet.push("a")
        assert (await fleet.workers.renew(worker="w", report=REPORT)).alive
        await fleet.expire("w")
        assert not (await fleet.lease()).alive
        await fleet.workers.reap(worker="v")
        assert not (await fleet.workers.renew(worker="w", report=REPORT)).alive
        assert not (await fleet.lease()).alive

    run(scenario)


def test_a_worker_whose_time_is_over_is_alive_again_when_it_renews_before_the_reaper_comes(run):
    async def scenario(fleet: Fleet):
        await fleet.push("a")
        [leased] = (await fleet.lease()).leases
        await fleet.expire("w")
        assert (await fleet.workers.renew(worker="w", report=REPORT)).alive
        assert (await fleet.workers.reap(worker="v")).returned == 0
        assert (await fleet.finish(leased)).finished == 1

    run(scenario)


def test_a_worker_that_leaves_gives_back_everything_unharmed_and_touches_nothing_else(run):
    async def scenario(fleet: Fleet):
        await fleet.push(*"abc", fingerprint=b"")
        await fleet.lease(2)
        assert (await fleet.workers.leave(worker="w")).returned == 2
        leases = await fleet.lease(worker="v")
        assert [(one.payload, one.attempt) for one in leases.leases] == [(b"a", 1), (b"b", 1), (b"c", 1)]
        assert [worker.id for worker in await fleet.workers.all()] == ["v"]

    run(scenario)


def test_a_heartbeat_tells_states_and_ended_crawls_until_they_are_recorded(run):
    async def scenario(fleet: Fleet):
        await fleet.push("a", crawl="a")
        await fleet.push("b", crawl="b")
        await fleet.crawls.set_state(crawl="b", state=CrawlState.PAUSED)
        await fleet.finish(*(await fleet.lease()).leases)
        renewal = await fleet.workers.renew(worker="v", report=REPORT, crawls=["a", "b", "nobody"])
        assert renewal.states == {"a": CrawlState.FINISHED, "b": CrawlState.PAUSED}
        assert renewal.ended == ("a",)
        await fleet.crawls.recorded(crawl="a")
        assert (await fleet.workers.renew(worker="v", report=REPORT)).ended == ()

    run(scenario)


def test_workers_are_listed_with_their_reports(run):
    async def scenario(fleet: Fleet):
        report = WorkerReport(host="node1", pid=42, version="2", rate=12.5, counters={"pages": 3})
        await fleet.workers.renew(worker="w", report=report)
        await fleet.push("a")
        await fleet.lease()
        await fleet.command("ZADD", ":workers", 1, "lost")
        calls = fleet.client.calls
        found = {worker.id: worker for worker in await fleet.workers.all()}
        assert fleet.client.calls == calls + 1
        assert (found["lost"].report, found["lost"].alive_ms < 0) == (None, True)
        assert (found["w"].report, found["w"].leases) == (report, 1)
        assert 25_000 < found["w"].alive_ms <= 30_000

    run(scenario)


def test_a_worker_learns_that_redis_has_forgotten_what_it_had_answered_and_the_reaper_returns_its_leases(run):
    async def scenario(fleet: Fleet):
        await fleet.push("parent")
        [parent] = (await fleet.lease()).leases
        done = Finish(id=parent.id, token=parent.token)
        # As a replica that was promoted without the second push call and the first finish call.
        lost = Answered(push=2, release=1)
        released = await fleet.frontier.finish(worker="w", finishes=[done], call=2, answered=lost)
        assert released.finished == 0
        assert await fleet.frontier.push(worker="w", call=3, requests=[A_PUSH], answered=lost) is None
        assert not (await fleet.workers.renew(worker="w", report=REPORT, answered=lost)).alive
        assert not (await fleet.lease()).alive
        assert (await fleet.workers.reap(worker="v")).returned == 1

    run(scenario)


def test_a_late_repetition_of_a_finish_does_not_look_like_a_redis_that_forgot(run):
    async def scenario(fleet: Fleet):
        await fleet.push("a", "b")
        leases = (await fleet.lease()).leases
        done = [Finish(id=one.id, token=one.token) for one in leases]
        await fleet.frontier.finish(worker="w", finishes=done[:1], call=1, answered=Answered(push=1))
        assert (
            await fleet.frontier.finish(worker="w", finishes=done[1:], call=2, answered=Answered(push=1))
        ).finished == 1
        await fleet.frontier.finish(worker="w", finishes=done[:1], call=1, answered=Answered(push=1))
        assert (await fleet.workers.renew(worker="w", report=REPORT, answered=Answered(push=1, release=2))).alive

    run(scenario)


@pytest.mark.parametrize("host", ["", "a b"])
@pytest.mark.parametrize("end", ["reap", "leave"])
def test_a_lease_that_cannot_be_read_is_a_dead_letter_of_its_own_crawl_and_stops_nobody(run, host: str, end: str):
    async def scenario(fleet: Fleet):
        await fleet.push("good", crawl="b")
        await fleet.push("bad")
        leases = {lease.crawl: lease.id for lease in (await fleet.lease()).leases}
        # As a host that nothing checked would have written it.
        await fleet.command("HSET", ":payloads", leases["c"], f"{host}\nc\n0\nbad")
        await fleet.command("HSET", ":leases:w", leases["c"], f"1 1 {host} c")
        if end == "reap":
            await fleet.expire("w")
            assert (await fleet.workers.reap(worker="v")).ended == ("c",)
        else:
            await fleet.workers.leave(worker="w")
        [letter] = await fleet.frontier.dead_letters()
        assert (letter.crawl, letter.host, letter.payload) == ("c", host, b"bad")
        assert letter.cause == "its lease cannot be read"
        assert await fleet.take(worker="v") == ["good"]
        record = await fleet.crawls.get(crawl="b")
        assert record
        assert record.outstanding == 1

    run(scenario)
