"""The same frontier on Sentinel and Cluster, and what an outage does."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import os
import re
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from image_spider.broker.client import Client
from image_spider.broker.keys import KEYS
from image_spider.broker.proxies import SharedProxies
from image_spider.broker.records import CrawlState, Nack, Push
from image_spider.exceptions import BrokerError, UsageError
from image_spider.politeness.host_state import HostState
from image_spider.proxies.bans import Ban
from image_spider.proxies.changes import BanChange, Pending
from image_spider.proxies.proxy import parse
from image_spider.proxies.tally import Tally
from tests.integration.broker.conftest import PLACES, Fleet, run_on, until
from tests.redis_servers import RedisServer, Sentinels
from tests.tcp_proxy import ProxyThread, TcpProxy


async def _everything(fleet: Fleet) -> None:
    """Use every script once, and leave a key of nearly every kind."""
    for crawl in "cd":
        requests = [
            Push(crawl=crawl, host=f"h{n}", payload=b"x", fingerprint=hashlib.md5(b"%d" % n).digest()) for n in range(8)
        ]
        await fleet.frontier.push(worker="w", call=fleet.next_call("w"), requests=requests, batch=f"batch {crawl}")
    await fleet.push("later", delay_ms=60_000)
    held = (await fleet.lease(4, delay_ms=1000)).leases
    assert len(held) == 4
    await fleet.finish(held[0], pages=1)
    nacks = [
        Nack(id=one.id, token=one.token, cause="x", dead=dead) for one, dead in zip(held[1:3], (0, 1), strict=True)
    ]
    await fleet.frontier.nack(worker="w", nacks=nacks)
    await fleet.crawls.open(crawl="e", arguments="")
    await fleet.crawls.count_bytes(crawl="c", receiver="p", number=5)
    await fleet.crawls.set_state(crawl="d", state=CrawlState.PAUSED)
    await fleet.lease(100)
    await fleet.crawls.set_state(crawl="d", state=CrawlState.RUNNING)
    await fleet.crawls.end_if_empty(crawl="e")
    await fleet.claims.claim(worker="w", crawl="c", urls=["a", "b"], max_images=5)
    await fleet.claims.settle(worker="w", crawl="c", url="a", result="ok", image="i", max_images=5)
    assert len(await fleet.crawls.newest(count=2)) == 2
    assert await fleet.frontier.requeue_dead(crawl="e") == 0
    await fleet.start_urls.add(entries=[b"1", b"2", b"3"])
    await fleet.start_urls.take(batch="b", count=1)
    await fleet.start_urls.settle(batch="b")
    await fleet.start_urls.take(batch="c", count=1)
    await fleet.start_urls.reject(rejected=[(b"bad", "why")])
    assert (await fleet.workers.renew(worker="w", report=(await fleet.workers.all())[0].report, crawls=["c"])).alive
    for worker in "wv":
        await fleet.turns("images", worker=worker, turns=3, more=PLACES)
    await fleet.turns("images", worker="w", held=PLACES, turns=2)
    await fleet.turns("images", worker="v", turns=1, more=1)
    assert (await fleet.hosts.tell("slow", known=0, state=HostState(delay=5, places=1), now=0))[0]
    proxies = SharedProxies(client=fleet.client, name=fleet.options.name)
    here, gone = parse("here:1"), parse("gone:2")
    assert await proxies.add([here, gone]) == 2
    ban = BanChange(proxy=here.name, host="h", before="", after=Ban(time.time() + 60, 1, "why").to_text())
    tallies = {(one.name, "h"): Tally(ok=1, ms=20) for one in (here, gone)}
    assert (await proxies.sync(known=0, pending=Pending(tallies=tallies, bans=[ban]), lists=True)).news.bans
    assert await proxies.remove([gone.name]) == 1
    assert await proxies.may_probe(worker="w", seconds=60)
    await fleet.expire("w")
    assert (await fleet.workers.reap(worker="v")).returned > 0
    await fleet.lease(1, worker="v")


@pytest.mark.parametrize("kind", ["redis_server", "redis_sentinels", "redis_cluster"])
def test_every_script_works_on_every_kind_of_redis_and_writes_the_keys_of_the_table(
    request: pytest.FixtureRequest, kind: str
):
    async def scenario(fleet: Fleet):
        await _everything(fleet)
        fleet_keys = await fleet.client.keys(fleet.options.name + ":*")
        start = fleet.start_urls._key
        fleet_keys += await fleet.client.keys(f"*{start}*")
        found: dict[str, set[str]] = {}
        for key in fleet_keys:
            family = _family(key.decode(), fleet.options.name, start)
            found.setdefault(family, set()).add((await fleet.client.command("TYPE", key)).decode())
        types = {key.name: key.type for key in KEYS}
        assert {name: kinds for name, kinds in found.items() if not kinds <= set(re.findall(r"\w+", types[name]))} == {}
        unused = types.keys() - found.keys()
        assert unused <= {"F:seen:<crawl>/exact", "F:unparking", "F:parked:<crawl>", "F:clock", "F:places:<worker>"}
        await fleet.frontier.empty()

    run_on(request.getfixturevalue(kind).url, scenario, host_max_pages=100)


def _family(key: str, frontier: str, start: str) -> str:
    """Find the row of the table that a key belongs to."""
    short = key.replace(frontier, "F").replace(start, "S")
    if short.endswith("/exact"):
        return "F:seen:<crawl>/exact"
    for row in KEYS:
        pattern = re.sub(r"<\w+>", r"[^/]+", re.escape(row.name).replace("<proxy>", "http://.+"))
        if re.fullmatch(pattern, short):
            return row.name
    raise AssertionError(f"{key} stands in no row")


def test_a_promoted_replica_goes_on_with_the_leases(tmp_path: Path):
    sentinels = Sentinels(tmp_path)
    sentinels.start()

    async def scenario(fleet: Fleet):
        await fleet.push("a", "b")
        [leased] = (await fleet.lease(1)).leases
        await fleet.client.command("WAIT", 1, 5000)
        sentinels.primary.kill()
        assert (await fleet.finish(leased)).finished == 1
        assert await fleet.take() == ["b"]

    try:
        run_on(sentinels.url, scenario)
    finally:
        sentinels.stop()


@pytest.fixture
def own_server(tmp_path: Path):
    server = RedisServer(tmp_path / "redis", "--appendonly", "yes", "--appendfsync", "always")
    server.start()
    yield server
    server.stop()


def test_a_restart_of_redis_loses_nothing_that_was_acknowledged(own_server: RedisServer):
    async def scenario(fleet: Fleet):
        await fleet.push(*"abcd")
        held = (await fleet.lease(2)).leases
        own_server.kill()
        waiting = asyncio.ensure_future(fleet.finish(*held))
        await asyncio.sleep(0)
        own_server.start(wait=False)
        assert (await waiting).finished == 2
        assert await fleet.take() == ["c", "d"]

    run_on(own_server.url, scenario)


def test_an_outage_is_told_once_and_its_end_too(own_server: RedisServer, caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.INFO, "image_spider.broker.client")

    async def scenario(fleet: Fleet):
        changes: list[str] = []
        client = Client(url=own_server.url, timeout_seconds=0.2, on_change=lambda: changes.append(client.away_reason))
        await client.connect()
        assert client.well_seconds >= 0
        os.kill(own_server.pid, signal.SIGSTOP)
        try:
            call = asyncio.ensure_future(client.command("PING"))
            await until(lambda: client.away_since is not None)
            assert client.well_seconds == 0
        finally:
            os.kill(own_server.pid, signal.SIGCONT)
        assert await call
        assert client.away_since is None
        assert changes[-1] == ""
        assert "Redis does not answer" in changes
        await client.close()

    run_on(own_server.url, scenario)
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]


def test_a_full_redis_refuses_pushes_says_so_once_and_lets_workers_live_and_finish(
    own_server: RedisServer, caplog: pytest.LogCaptureFixture
):
    caplog.set_level(logging.INFO, "image_spider.broker.client")

    async def scenario(fleet: Fleet):
        await fleet.push(*(f"{n}" for n in range(100)))
        held = (await fleet.lease(10)).leases
        own_server.ask("CONFIG", "SET", "maxmemory", "1")
        push = asyncio.ensure_future(fleet.push("late"))
        await until(lambda: bool(fleet.client.away_reason))
        assert "full" in fleet.client.away_reason
        assert (await fleet.workers.renew(worker="w", report=(await fleet.workers.all())[0].report)).alive
        assert (await fleet.finish(*held)).finished == 10
        assert len(await fleet.take(90)) == 90
        assert not push.done()
        assert "full" in fleet.client.away_reason  # although all the others were answered
        own_server.ask("CONFIG", "SET", "maxmemory", "0")
        assert await push == [1]

    run_on(own_server.url, scenario)
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]


@pytest.mark.parametrize("trouble", ["cut", "drop_replies"])
def test_calls_whose_replies_are_lost_are_repeated_without_harm(redis_server: RedisServer, trouble: str):
    proxy = ProxyThread(target=redis_server.port)

    def hurt(one: TcpProxy) -> None:
        one.drop_replies(trouble == "drop_replies")
        if trouble == "cut":
            one.cut()

    async def scenario(fleet: Fleet):
        slow = fleet.client
        fleet.frontier._client = Client(url=f"redis://127.0.0.1:{proxy.port}/0", timeout_seconds=0.3)
        await fleet.push("warm")
        await fleet.finish(*(await fleet.lease()).leases)
        await fleet.crawls.open(crawl="c", arguments="")
        for verb in (lambda: fleet.push("a", "b"), lambda: fleet.lease(1)):
            proxy.do(hurt)
            call = asyncio.ensure_future(verb())
            if trouble == "drop_replies":
                await until(lambda: bool(fleet.frontier._client.away_reason))
                proxy.do(TcpProxy.cut_unanswered)
            answer = await call
        assert [one.payload for one in answer.leases] == [b"a"]
        assert await fleet.take() == ["b"]
        record = await fleet.crawls.get(crawl="c")
        assert record
        assert record.outstanding == 2
        await fleet.frontier._client.close()
        fleet.frontier._client = slow

    try:
        run_on(redis_server.url, scenario)
    finally:
        proxy.close()


def _connect(url: str, **options: float) -> Callable[[], None]:
    async def connect() -> None:
        client = Client(url=url, **options)
        try:
            await client.connect()
        finally:
            await client.close()

    return lambda: asyncio.run(connect())


def test_a_wrong_password_is_refused_at_once_and_not_shown(own_server: RedisServer):
    own_server.ask("CONFIG", "SET", "requirepass", "secret")
    with pytest.raises(UsageError, match="REDIS_URL") as caught:
        _connect(f"redis://:wrong-secret@127.0.0.1:{own_server.port}/0")()
    assert "wrong-secret" not in str(caught.value)


def test_a_single_server_named_as_a_cluster_is_refused(redis_server: RedisServer):
    with pytest.raises(UsageError, match="REDIS_URL"):
        _connect(redis_server.url.replace("redis:", "redis+cluster:").removesuffix("/0"))()


def test_a_command_gives_up_after_its_deadline():
    async def call() -> None:
        client = Client(url="redis://127.0.0.1:1/0", deadline_seconds=0.3)
        await client.command("PING")

    with pytest.raises(BrokerError, match="gave up after"):
        asyncio.run(call())


def test_a_server_that_evicts_keys_is_warned_about(own_server: RedisServer, caplog: pytest.LogCaptureFixture):
    own_server.ask("CONFIG", "SET", "maxmemory-policy", "allkeys-lru")
    _connect(own_server.url)()
    assert "noeviction" in caplog.text


def test_a_connection_that_is_closed_while_it_is_used_costs_a_repetition(redis_server: RedisServer):
    # As redis-py does to all connections of a Cluster when one of its nodes goes.
    async def scenario(fleet: Fleet):
        async def close_again_and_again() -> None:
            for _ in range(200):
                await fleet.client._connected().connection_pool.disconnect()
                await asyncio.sleep(0.003)

        closing = asyncio.ensure_future(close_again_and_again())
        calls = [fleet.command("SET", f":{number}", "x" * 1000) for number in range(100)]
        assert await asyncio.gather(*calls) == [True] * 100
        await closing

    run_on(redis_server.url, scenario)
