"""Workers that share proxies on one frontier of Redis."""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from image_spider.broker.client import Client
from image_spider.broker.proxies import SharedProxies
from image_spider.proxies.bans import BanRules
from image_spider.proxies.clock import Clock
from image_spider.proxies.member import Outcome
from image_spider.proxies.pool import Pool, PoolRules
from image_spider.proxies.proxy import parse
from image_spider.proxies.sharing import Sharing

PROXIES = tuple(map(parse, ("a:1", "me:geheim@b:2")))
A, B = (proxy.name for proxy in PROXIES)


@dataclass
class Worker:
    """A worker's pool and its link to the fleet."""

    pool: Pool
    clock: Clock
    sharing: Sharing

    def ask(self, outcome: Outcome, *, avoid: str = B, host: str = "h") -> None:
        attempt = self.pool.begin(host, avoid=[avoid])
        assert attempt
        self.pool.end(attempt, outcome, seconds=0.2, reason="HTTP 403")


class Workers:
    """Workers on one frontier of its own."""

    def __init__(self, url: str) -> None:
        self.client = Client(url=url, deadline_seconds=20)
        self.name = f"{{{uuid.uuid4().hex}:requests}}"
        self.shared = SharedProxies(client=self.client, name=self.name)

    def worker(self, *, lists: bool = False, rules: BanRules | None = None) -> Worker:
        clock = Clock()
        bans = rules or BanRules(first=60, longest=600)
        rules_ = PoolRules(strategy="round_robin", sticky_seconds=0, failures=3, bans=bans)
        pool = Pool(rules=rules_, clock=clock)
        if not lists:
            pool.set_proxies(PROXIES)
        return Worker(pool, clock, Sharing(shared=self.shared, pool=pool, clock=clock, lists=lists))

    async def command(self, verb: str, suffix: str, *words: Any) -> Any:
        return await self.client.command(verb, f"{self.name}:proxies{suffix}", *words)


Run = Callable[[Callable[[Workers], Awaitable[None]]], None]
