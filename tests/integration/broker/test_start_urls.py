"""Entries that users push leave their key only for a batch that Redis keeps."""

from __future__ import annotations

import json

import pytest

from image_spider.exceptions import BrokerError
from tests.integration.broker.conftest import Fleet

PUSH = {"list": ("RPUSH",), "set": ("SADD",), "zset": ("ZADD", 1)}


async def user_pushes(fleet: Fleet, kind: str, key: str, *entries: str) -> None:
    command, *score = PUSH[kind]
    for entry in entries:
        await fleet.client.command(command, key, *score, entry)


@pytest.mark.parametrize("kind", PUSH)
def test_entries_of_any_type_are_taken_once(run, kind: str):
    async def scenario(fleet: Fleet):
        key = fleet.start_urls._key
        await user_pushes(fleet, kind, key, "a", "b", "c")
        first = await fleet.start_urls.take(batch="b1", count=2)
        again = await fleet.start_urls.take(batch="b1", count=2)
        second = await fleet.start_urls.take(batch="b2", count=2)
        assert first == again
        assert first
        assert second
        assert sorted(raw for raw, _ in (*first.entries, *second.entries)) == [b"a", b"b", b"c"]
        assert await fleet.start_urls.take(batch="b3") is None
        assert await fleet.start_urls.add(entries=[b"d", b"e"]) == 2

    run(scenario)


def test_a_sorted_set_gives_its_highest_scores_first(run):
    async def scenario(fleet: Fleet):
        for score, entry in ((1, "low"), (9.5, "high"), (5, "middle")):
            await fleet.client.command("ZADD", fleet.start_urls._key, score, entry)
        batch = await fleet.start_urls.take(batch="b1", count=2)
        assert batch
        assert batch.entries == ((b"high", 9.5), (b"middle", 5.0))

    run(scenario)


def test_a_batch_left_behind_is_taken_over_under_its_own_name(run):
    async def scenario(fleet: Fleet):
        key = fleet.start_urls._key
        await fleet.start_urls.add(entries=[b"a"])
        await fleet.start_urls.take(batch="dead")
        assert await fleet.start_urls.take(batch="next") is None
        await fleet.client.command("ZADD", f"{{{key}}}:taken_at", 1, "dead")
        batch = await fleet.start_urls.take(batch="next")
        assert batch
        assert (batch.batch, batch.entries) == ("dead", ((b"a", 0.0),))
        await fleet.start_urls.settle(batch="dead")
        assert await fleet.start_urls.take(batch="next") is None
        assert await fleet.client.keys(f"{{{key}}}:taken*") == []

    run(scenario)


def test_a_take_that_arrives_after_its_batch_was_settled_takes_nothing(run):
    async def scenario(fleet: Fleet):
        await fleet.start_urls.add(entries=[b"a", b"b"])
        await fleet.start_urls.take(batch="b1", count=1)
        await fleet.start_urls.settle(batch="b1")
        assert await fleet.start_urls.take(batch="b1") is None
        assert await fleet.start_urls.waiting() == 1

    run(scenario)


def test_rejected_entries_are_kept_with_the_reason(run):
    async def scenario(fleet: Fleet):
        key = fleet.start_urls._key
        await fleet.start_urls.reject(rejected=[(b"\xffnot a URL", "no scheme")])
        [line] = await fleet.client.command("LRANGE", f"{key}:rejected", 0, -1)
        assert json.loads(line)["reason"] == "no scheme"

    run(scenario)


def test_a_key_of_another_type_is_refused_with_its_type(run):
    async def scenario(fleet: Fleet):
        await fleet.client.command("HSET", fleet.start_urls._key, "a", "b")
        with pytest.raises(BrokerError, match="is a hash"):
            await fleet.start_urls.take(batch="b1")

    run(scenario)
