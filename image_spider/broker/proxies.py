"""What a fleet knows of its proxies: the list, what came of their requests, their bans."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from image_spider.broker.client import Client
from image_spider.broker.frontier import pairs
from image_spider.proxies.bans import Ban
from image_spider.proxies.changes import BanChange, News, Pending
from image_spider.proxies.proxy import Proxy
from image_spider.proxies.tally import Tally

BATCH = 500  # tallies, and bans, of one call


@dataclass(frozen=True, slots=True, kw_only=True)
class Synced:
    """What a worker hears: the version of what it knows now, Redis's time in seconds, and the list's version."""

    version: int
    now: float
    listed: int
    news: News


class SharedProxies:
    """The proxies of one frontier.

    Counts are added up, so a call whose answer is lost, and which is repeated, counts twice what it told. They steer
    the choice of proxies, which forgets, and nothing else.
    """

    def __init__(self, *, client: Client, name: str) -> None:
        self.client = client
        self._name = name

    async def sync(
        self, *, known: int, pending: Pending, remembered_seconds: float = 3600.0, lists: bool = False
    ) -> Synced:
        """Tell what happened here, and hear what has changed since the version `known`; 0: all there is.

        `remembered_seconds` is how long after its end a ban is kept, so that the next one is longer. With `lists` the
        proxies are those of the list in Redis, and what came of others is not counted.
        """
        tallies, bans = list(pending.tallies.items()), list(pending.bans)
        totals: dict[str, Tally] = {}
        records: dict[tuple[str, str], str] = {}
        more = True
        while more or tallies or bans:
            words = _words(tallies[:BATCH], bans[:BATCH])
            remembered_ms = round(remembered_seconds * 1000)
            reply = await self.client.script("sync_proxies", self._name, known, remembered_ms, int(lists), *words)
            known, now, listed, more, heard, changed = reply
            totals |= {name.decode(): Tally.from_text(text.decode()) for name, text in pairs(heard) if text}
            records |= {_pair(key): text.decode() for key, text in pairs(changed)}
            del tallies[:BATCH], bans[:BATCH]
        return Synced(version=known, now=now / 1000, listed=listed, news=News(tallies=totals, bans=records))

    async def urls(self) -> tuple[str, ...]:
        """Return the proxies of the list, with their credentials."""
        return tuple((await self._hash("proxies")).values())

    async def add(self, proxies: Iterable[Proxy]) -> int:
        """Add proxies to the list; return how many were not there. Workers use them within a second."""
        words = [word for proxy in proxies for word in (proxy.name, proxy.url)]
        added: int = await self.client.script("add_proxies", self._name, *words)
        return added

    async def remove(self, names: Iterable[str]) -> int:
        """Remove proxies from the list by name; return how many were there."""
        removed: int = await self.client.script("remove_proxies", self._name, *names)
        return removed

    async def tallies(self) -> Mapping[str, Tally]:
        """Return what came of the requests through each proxy, over the whole fleet."""
        return {name: Tally.from_text(text) for name, text in (await self._hash("proxies:totals")).items()}

    async def hosts(self, name: str) -> Mapping[str, Tally]:
        """Return the same of one proxy for each of the last thousand hosts."""
        return {host: Tally.from_text(text) for host, text in (await self._hash(f"proxies:hosts:{name}")).items()}

    async def bans(self) -> Mapping[tuple[str, str], Ban]:
        """Return the bans by proxy and host, those included that are over and remembered."""
        return {_pair(key.encode()): Ban.from_text(text) for key, text in (await self._hash("proxies:bans")).items()}

    async def now(self) -> float:
        """Return Redis's time in Unix seconds."""
        seconds, microseconds = await self.client.command("TIME")
        return int(seconds) + int(microseconds) / 1e6

    async def may_probe(self, *, worker: str, seconds: float) -> bool:
        """Tell whether this worker, and no other, is to probe the proxies in the next so many seconds."""
        key, ms = f"{self._name}:proxies:probing", max(1, round(seconds * 900))
        return bool(await self.client.command("SET", key, worker, "NX", "PX", ms))

    async def _hash(self, suffix: str) -> dict[str, str]:
        found = await self.client.command("HGETALL", f"{self._name}:{suffix}")
        rows = found.items() if isinstance(found, dict) else pairs(found)
        return {key.decode(): value.decode() for key, value in rows}


def _words(tallies: list[tuple[tuple[str, str], Tally]], bans: list[BanChange]) -> list[Any]:
    words: list[Any] = [len(tallies)]
    for (proxy, host), tally in tallies:
        words += (proxy, host, tally.ok, tally.banned, tally.failed, tally.ms)
    for one in bans:
        words += (one.proxy, one.host, one.before, one.after)
    return words


def _pair(key: bytes) -> tuple[str, str]:
    name, _, host = key.decode().partition(" ")
    return name, host
