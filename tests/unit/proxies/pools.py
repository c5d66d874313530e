"""Pools on a clock that stands still until it is told."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace
from typing import Any

from image_spider.proxies.bans import BanRules
from image_spider.proxies.member import Outcome
from image_spider.proxies.pool import Pool, PoolRules
from image_spider.proxies.proxy import parse

RULES = PoolRules(strategy="weighted", sticky_seconds=0, failures=3, bans=BanRules(first=60, longest=600))


class Trial:
    """A pool of proxies p0, p1 ..., with short ways to use it."""

    def __init__(self, count: int, **rules: Any) -> None:
        self.now = 1000.0
        self.told: list[tuple[str, str]] = []
        self.pool = Pool(
            rules=replace(RULES, **rules),
            clock=lambda: self.now,
            dice=random.Random(1),
            banned=lambda name, host, ban: self.told.append((name.removeprefix("http://"), host)),
        )
        self.names = [f"http://p{number}:80" for number in range(count)]
        self.pool.set_proxies(map(parse, self.names))

    def ask(self, outcome: Outcome = Outcome.OK, host: str = "h", *, seconds: float = 0.1, **more: Any) -> str:
        """Send a request through the next proxy, let it come to that, and return the proxy."""
        attempt = self.pool.begin(host, **more)
        if attempt is None:
            return ""
        self.pool.end(attempt, outcome, seconds=seconds, reason=str(outcome))
        return attempt.proxy.host

    def asked(self, times: int, **more: Any) -> Counter[str]:
        return Counter(self.ask(**more) for _ in range(times))
