"""Random interleavings of everything, with crashes and repeated calls: nothing is lost, nothing is counted wrong."""

from __future__ import annotations

import random

import pytest

from image_spider.broker.hosts import Hosts
from image_spider.broker.records import CrawlState, Finish, Leased, Nack, Push
from image_spider.politeness.asks import Ask
from tests.integration.broker.conftest import Fleet

STEPS = 250
CRAWLS = ("a", "b")
HOSTS = ("h1", "h2", "h3")


class Model:
    """Does random things and remembers what must be true."""

    def __init__(self, fleet: Fleet, seed: int) -> None:
        self.fleet = fleet
        self.random = random.Random(seed)
        self.pushed: set[str] = set()
        self.done: set[str] = set()
        self.held: dict[str, list[Leased]] = {}
        self.hosts = Hosts(client=fleet.client, options=fleet.options, delay=0.001, places=5)
        self.places: dict[tuple[str, str], int] = {}  # of a worker at a host
        self.born = 0

    async def worker(self) -> str:
        if len(self.held) < 3:
            self.born += 1
            name = f"worker{self.born}"
            await self.fleet.join(name)
            self.held[name] = []
        return self.random.choice(list(self.held))

    async def push(self, worker: str) -> None:
        requests = []
        for _ in range(self.random.randint(1, 5)):
            payload = f"p{len(self.pushed)}"
            self.pushed.add(payload)
            crawl, host = self.random.choice(CRAWLS), self.random.choice(HOSTS)
            delay = self.random.choice((0, 0, 0, 2))
            requests.append(Push(crawl=crawl, host=host, payload=payload.encode(), delay_ms=delay, priority=delay))
        call = self.fleet.next_call(worker)
        for _ in range(self.random.randint(1, 2)):
            await self.fleet.frontier.push(worker=worker, call=call, requests=requests, reopen=True)

    async def lease(self, worker: str) -> None:
        call = self.fleet.next_call(f"{worker} lease")
        options = {"count": 4, "host_delay_ms": self.random.choice((0, 1)), "host_concurrency": 5}
        for _ in range(self.random.randint(1, 2)):
            leases = await self.fleet.frontier.lease(worker=worker, call=call, **options)
        self.held[worker] += leases.leases

    async def turns(self, worker: str) -> None:
        """Take turns and places, and give some back."""
        call = self.fleet.next_call(f"{worker} turns")
        asks = [
            Ask(host=host, turns=self.random.choice((0, 3)), held=self._keeps(worker, host), more=more)
            for host in self.random.sample(HOSTS, 2)
            for more in (self.random.choice((0, 0, 2)),)
        ]
        for _ in range(self.random.randint(1, 2)):
            turns = await self.hosts.turns(worker=worker, call=call, asks=asks)
        assert turns.alive
        for ask, grant in zip(asks, turns.grants, strict=True):
            self.places[worker, ask.host] = ask.held + grant.places

    def _keeps(self, worker: str, host: str) -> int:
        return self.random.randint(0, self.places.get((worker, host), 0))

    async def finish(self, worker: str) -> None:
        leased = self._some(worker)
        finishes = [Finish(id=one.id, token=one.token, counters={"pages": 1}) for one in leased]
        for _ in range(self.random.randint(1, 2)):
            await self.fleet.frontier.finish(worker=worker, finishes=finishes)
        self.done |= {one.payload.decode() for one in leased}

    async def nack(self, worker: str) -> None:
        delay = self.random.choice((0, 0, 3))
        nacks = [
            Nack(id=one.id, token=one.token, cause="test", delay_ms=delay, attempted=self.random.random() < 0.5)
            for one in self._some(worker)
        ]
        for _ in range(self.random.randint(1, 2)):
            await self.fleet.frontier.nack(worker=worker, nacks=nacks)

    async def crash(self, worker: str) -> None:
        await self.fleet.expire(worker)
        late = self.held.pop(worker)
        await self.fleet.workers.reap(worker="w", limit=self.random.choice((2, 100)))
        await self.fleet.finish(*late, worker=worker) if self.random.random() < 0.3 else None

    async def leave(self, worker: str) -> None:
        self.held.pop(worker)
        await self.fleet.workers.leave(worker=worker)

    async def pause(self, worker: str) -> None:
        crawl = self.random.choice(CRAWLS)
        state = self.random.choice((CrawlState.PAUSED, CrawlState.RUNNING, CrawlState.RUNNING))
        await self.fleet.crawls.set_state(crawl=crawl, state=state)

    def _some(self, worker: str) -> list[Leased]:
        self.random.shuffle(self.held[worker])
        count = self.random.randint(0, len(self.held[worker]))
        some, self.held[worker] = self.held[worker][:count], self.held[worker][count:]
        return some

    async def check(self) -> None:
        """Outstanding = queued + delayed + leased, per crawl and in all; busy = leased + places, per host."""
        fleet = self.fleet
        queued = dict.fromkeys(CRAWLS, 0)
        for crawl in CRAWLS:
            for host in HOSTS:
                queued[crawl] += await fleet.command("ZCARD", f":queue:{crawl}/{host}")
        leased, busy = dict.fromkeys(CRAWLS, 0), dict.fromkeys(HOSTS, 0)
        for key in await fleet.client.keys(fleet.options.name + ":leases:*"):
            for value in await fleet.client.command("HVALS", key):
                _, _, host, crawl, *_ = value.decode().split()
                leased[crawl] += 1
                busy[host] += 1
        delayed = await fleet.command("ZCARD", ":delayed")
        total = 0
        for crawl in CRAWLS:
            record = await fleet.crawls.get(crawl=crawl)
            if record:
                total += record.outstanding
                assert record.outstanding >= queued[crawl] + leased[crawl]
                assert (record.outstanding == 0) == (record.state is CrawlState.FINISHED)
        assert total == sum(queued.values()) + sum(leased.values()) + delayed
        assert total == await fleet.command("HLEN", ":payloads")
        for (worker, host), count in self.places.items():
            if worker in self.held:
                assert int(await fleet.command("HGET", f":places:{worker}", host) or 0) == count
                busy[host] += count
        for host, count in busy.items():
            assert int(await fleet.command("HGET", ":busy", host) or 0) == count

    async def drain(self) -> None:
        for crawl in CRAWLS:
            await self.fleet.crawls.set_state(crawl=crawl, state=CrawlState.RUNNING)
        for worker in list(self.held):
            await self.crash(worker)
        while (await self.fleet.workers.reap(worker="w")).more:
            pass
        while await self.fleet.command("HLEN", ":payloads"):
            leases = await self.fleet.lease(100)
            self.done |= {one.payload.decode() for one in leases.leases}
            await self.fleet.finish(*leases.leases)


@pytest.mark.parametrize("seed", range(6))
def test_nothing_is_lost_in_any_order_of_events(run, seed: int):
    async def scenario(fleet: Fleet):
        model = Model(fleet, seed)
        verbs = [model.push] * 4 + [model.lease] * 6 + [model.finish] * 4 + [model.nack] * 2
        verbs += [model.crash, model.leave, model.pause] + [model.turns] * 3
        for step in range(STEPS):
            await model.random.choice(verbs)(await model.worker())
            if step % 10 == 0:
                await model.check()
        await model.drain()
        await model.check()
        letters = {letter.payload.decode() for letter in await fleet.frontier.dead_letters(count=10_000)}
        assert model.pushed - model.done - letters == set()
        assert await fleet.client.keys(fleet.options.name + ":queue:*") == []
        assert await fleet.command("EXISTS", ":busy") == 0

    run(scenario)
