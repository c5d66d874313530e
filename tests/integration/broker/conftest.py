from __future__ import annotations

import asyncio
import uuid
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest

from image_spider.broker.claims import Claims
from image_spider.broker.client import Client
from image_spider.broker.crawls import Crawls
from image_spider.broker.frontier import Frontier, FrontierOptions
from image_spider.broker.hosts import Hosts, Turns
from image_spider.broker.records import Finish, Leased, Leases, Push, WorkerReport
from image_spider.broker.start_urls import StartURLs
from image_spider.broker.workers import Workers
from image_spider.politeness.asks import Ask, Grant
from tests.redis_servers import Cluster, RedisServer, Sentinels
from tests.servers import running

DELAY, PLACES = 1.0, 4  # of a host of which nothing is told
REPORT = WorkerReport(host="here", pid=1, version="1")


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with running(RedisServer(tmp_path_factory.mktemp("redis"), "--appendonly", "yes")) as server:
        yield server


@pytest.fixture(scope="session")
def redis_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with running(Cluster(tmp_path_factory.mktemp("cluster"))) as cluster:
        yield cluster


@pytest.fixture(scope="session")
def redis_sentinels(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sentinels]:
    with running(Sentinels(tmp_path_factory.mktemp("sentinels"))) as sentinels:
        yield sentinels


class Fleet:
    """Everything on one frontier of its own, with short ways to say what tests say often."""

    def __init__(self, url: str, **options: Any) -> None:
        self.client = Client(url=url, deadline_seconds=20)
        self.options = FrontierOptions(name=f"{{{uuid.uuid4().hex}:requests}}", **options)
        self.frontier = Frontier(client=self.client, options=self.options)
        self.hosts = Hosts(client=self.client, options=self.options, delay=DELAY, places=PLACES)
        self.workers = Workers(client=self.client, options=self.options)
        self.crawls = Crawls(client=self.client, options=self.options)
        self.claims = Claims(client=self.client, options=self.options)
        self.start_urls = StartURLs(client=self.client, key=f"{uuid.uuid4().hex}:start_urls")
        self._calls: dict[str, int] = {}

    def next_call(self, worker: str) -> int:
        self._calls[worker] = self._calls.get(worker, 0) + 1
        return self._calls[worker]

    async def join(self, *workers: str) -> None:
        for worker in workers:
            await self.workers.join(worker=worker, report=REPORT)

    async def push(
        self, *payloads: str, crawl: str = "c", host: str = "h", worker: str = "w", **more: Any
    ) -> list[int]:
        requests = [Push(crawl=crawl, host=host, payload=payload.encode(), **more) for payload in payloads]
        return [int(one) for one in await self._push(worker, requests)]

    async def _push(self, worker: str, requests: list[Push]) -> Any:
        return await self.frontier.push(worker=worker, call=self.next_call(worker), requests=requests)

    async def lease(
        self, count: int = 10, *, worker: str = "w", delay_ms: float = 0, places: int = 100, **more: Any
    ) -> Leases:
        return await self.frontier.lease(
            **more,
            worker=worker,
            call=self.next_call(worker + " lease"),
            count=count,
            host_delay_ms=delay_ms,
            host_concurrency=places,
        )

    async def turns(self, host: str = "h", *, worker: str = "w", turns: int = 0, **more: Any) -> Turns:
        """Ask for turns and places at one host."""
        ask = Ask(host=host, turns=turns, **{"held": 0, **more})
        return await self.hosts.turns(worker=worker, call=self.next_call(worker + " turns"), asks=[ask])

    async def grant(self, host: str = "h", **asked: Any) -> Grant:
        return (await self.turns(host, **asked)).grants[0]

    async def busy(self, host: str = "h") -> int:
        return int(await self.command("HGET", ":busy", host) or 0)

    async def take(self, count: int = 10, **options: Any) -> list[str]:
        return payloads(await self.lease(count, **options))

    async def finish(self, *leased: Leased, worker: str = "w", **counters: int) -> Any:
        finishes = [Finish(id=one.id, token=one.token, counters=counters) for one in leased]
        return await self.frontier.finish(worker=worker, finishes=finishes)

    async def expire(self, worker: str) -> None:
        """Let a worker's time be over."""
        await self.client.command("ZADD", f"{self.options.name}:workers", 1, worker)

    async def command(self, verb: str, suffix: str, *words: Any) -> Any:
        return await self.client.command(verb, self.options.name + suffix, *words)


def payloads(leases: Leases) -> list[str]:
    return [one.payload.decode() for one in leases.leases]


async def until(condition: Callable[[], bool]) -> None:
    while not condition():  # noqa: ASYNC110  what is waited for is a property of the client, not an event
        await asyncio.sleep(0.01)


Scenario = Callable[[Fleet], Awaitable[None]]


@pytest.fixture
def run(redis_server: RedisServer) -> Callable[..., None]:
    """Run a scenario on a frontier of its own."""
    return lambda scenario, **options: run_on(redis_server.url, scenario, **options)


def run_on(url: str, scenario: Scenario, **options: Any) -> None:
    async def main() -> None:
        fleet = Fleet(url, **options)
        await fleet.join("w", "v")
        try:
            await asyncio.wait_for(scenario(fleet), 60)
        finally:
            await fleet.client.close()

    asyncio.run(main())
