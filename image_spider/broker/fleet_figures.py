"""The figures of a frontier at one moment, for monitoring."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from image_spider.broker.client import Client
from image_spider.broker.crawls import Crawls
from image_spider.broker.frontier import FrontierOptions
from image_spider.broker.records import CrawlRecord, WorkerRecord
from image_spider.broker.start_urls import StartURLs
from image_spider.broker.workers import Workers

CRAWLS = 200  # of which figures are read; a script is atomic, so its length is everybody's latency


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetFigures:
    """Read by several calls within some milliseconds, so they need not agree to the last request."""

    crawls: tuple[CrawlRecord, ...]  # those that were created last
    workers: tuple[WorkerRecord, ...]
    requests: int  # of all crawls: queued, delayed, under way
    delayed: int
    dead: int  # letters that are kept
    ready_hosts: int  # with something queued, and a free place
    waiting_hosts: int  # whose next allowed time is remembered
    busy_hosts: int  # with requests under way
    start_urls: int
    rejected: int
    memory_bytes: int  # of all nodes
    memory_limit_bytes: int  # 0: none


class FigureReader:
    """Reads the figures of one frontier; changes nothing."""

    def __init__(self, *, client: Client, options: FrontierOptions, start_urls_key: str) -> None:
        self._client = client
        self._name = options.name
        self._start_urls_key = start_urls_key
        self._crawls = Crawls(client=client, options=options)
        self._workers = Workers(client=client, options=options)
        self._start_urls = StartURLs(client=client, key=start_urls_key)

    async def read(self) -> FleetFigures:
        """Read them; raises BrokerError when Redis is away for longer than the client's deadline."""
        memory = _nodes(await self._client.command("INFO", "memory"))
        newest = await self._crawls.newest(count=CRAWLS)
        return FleetFigures(
            crawls=tuple(record for record, _ in newest),
            workers=await self._workers.all(),
            requests=await self._count("HLEN", "payloads"),
            delayed=await self._count("ZCARD", "delayed"),
            dead=await self._count("LLEN", "dead"),
            ready_hosts=await self._count("ZCARD", "ready"),
            waiting_hosts=await self._count("ZCARD", "clock"),
            busy_hosts=await self._count("HLEN", "busy"),
            start_urls=await self._start_urls.waiting(),
            rejected=int(await self._client.command("LLEN", f"{self._start_urls_key}:rejected")),
            memory_bytes=sum(int(node.get("used_memory", 0)) for node in memory),
            memory_limit_bytes=sum(int(node.get("maxmemory", 0)) for node in memory),
        )

    async def _count(self, command: str, key: str) -> int:
        return int(await self._client.command(command, f"{self._name}:{key}"))


def _nodes(reply: dict[str, Any]) -> list[dict[str, Any]]:
    """Return INFO's answer of every node: that of a Cluster has a dict for each of several."""
    nested = [node for node in reply.values() if isinstance(node, dict)]
    return nested or [reply]
