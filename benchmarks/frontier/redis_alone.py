"""What the frontier costs Redis: requests per second, CPU and memory, beside scrapy-redis. No crawling here.

python -m benchmarks.frontier.redis_alone [--quick] [speed] [memory] [error]
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import redis
from rich.console import Console
from rich.table import Table
from scrapy import Request, Spider
from scrapy_redis.dupefilter import RFPDupeFilter
from scrapy_redis.queue import PriorityQueue

from benchmarks.frontier.filter_error import measure_filter
from image_spider.broker.bloom import layers
from image_spider.broker.client import Client
from image_spider.broker.frontier import Frontier, FrontierOptions
from image_spider.broker.records import Finish, Push, WorkerReport
from image_spider.broker.workers import Workers
from tests.redis_servers import RedisServer

HOSTS = 200
MANY = 100_000_000  # URLs that a long crawl has seen
BATCH = 50  # requests of one push, lease and finish call of ours
PAYLOAD = b'{"url":"https://host000.example/section/page-0000000.html","meta":{"crawl_id":"c","depth":3},"priority":-3}'


@dataclass(frozen=True, slots=True)
class Speed:
    """One run: requests pushed, taken and finished per second, and the server's CPU seconds per 1,000 of them."""

    per_second: float
    cpu_per_thousand: float


@contextmanager
def server(*options: str) -> Iterator[RedisServer]:
    """Run a Redis of our own while the block runs."""
    with tempfile.TemporaryDirectory() as folder:
        one = RedisServer(Path(folder), *(options or ("--appendonly", "yes")))
        one.start()
        try:
            yield one
        finally:
            one.stop()


def timed(one: RedisServer, requests: int, work: Callable[[], object]) -> Speed:
    process = psutil.Process(one.pid)
    started, before = time.perf_counter(), process.cpu_times()
    work()
    seconds, after = time.perf_counter() - started, process.cpu_times()
    cpu = after.user + after.system - before.user - before.system
    return Speed(requests / seconds, cpu / requests * 1000)


def pushes(first: int, count: int) -> list[Push]:
    return [
        Push(
            crawl="c",
            host=f"host{number % HOSTS:03d}.example",
            payload=PAYLOAD,
            fingerprint=hashlib.md5(b"%d" % number).digest(),
        )
        for number in range(first, first + count)
    ]


async def _work(client: Client, worker: int, requests: int) -> None:
    options = FrontierOptions(name="{bench:requests}", lease_seconds=3600)
    frontier, workers = Frontier(client=client, options=options), Workers(client=client, options=options)
    name = f"w{worker}"
    await workers.join(worker=name, report=WorkerReport(host="bench", pid=1, version="0"))
    for call in range(1, requests // BATCH + 1):
        rows = pushes(worker * 10**7 + call * BATCH, BATCH)
        await frontier.push(worker=name, call=call, requests=rows, reopen=True)
        leases = await frontier.lease(worker=name, call=call, count=BATCH, host_delay_ms=0, host_concurrency=64)
        finishes = [Finish(id=one.id, token=one.token, counters={"pages": 1}) for one in leases.leases]
        await frontier.finish(worker=name, finishes=finishes)


def ours(one: RedisServer, workers: int, requests: int) -> Speed:
    async def main() -> None:
        client = Client(url=one.url)
        await asyncio.gather(*(_work(client, worker, requests // workers) for worker in range(workers)))
        await client.close()

    return timed(one, requests, lambda: asyncio.run(main()))


def scrapy_redis(one: RedisServer, workers: int, requests: int) -> Speed:
    """Its three commands per request: request_seen, push and pop, each a round trip, one thread per worker."""

    def work(worker: int) -> None:
        connection = redis.Redis(port=one.port)
        spider = Spider("bench")
        queue = PriorityQueue(connection, spider, "%(spider)s:requests")
        seen = RFPDupeFilter(connection, "bench:dupefilter")
        for number in range(requests // workers):
            request = Request(f"https://host{number % HOSTS:03d}.example/section/{worker}/page-{number}.html")
            if not seen.request_seen(request):
                queue.push(request)
            queue.pop()
        connection.close()

    with ThreadPoolExecutor(workers) as pool:
        return timed(one, requests, lambda: list(pool.map(work, range(workers))))


def memory(one: RedisServer, fill: Callable[[redis.Redis], object], count: int) -> float:
    """Return bytes of Redis per thing that `fill` puts in."""
    connection = redis.Redis(port=one.port)
    before = _used(connection)
    fill(connection)
    return (_used(connection) - before) / count


def _used(connection: redis.Redis) -> int:
    figures: Any = connection.info("memory")
    return int(figures["used_memory"])


def fill_ours(one: RedisServer, count: int, *, seen: bool, error_rate: float = 1e-4) -> Callable[[redis.Redis], None]:
    async def main() -> None:
        client = Client(url=one.url)
        options = FrontierOptions(name=f"{{bench{seen}{error_rate}:requests}}", seen_error_rate=error_rate)
        frontier = Frontier(client=client, options=options)
        for call in range(count // 1000):
            rows = pushes(call * 1000, 1000)
            if not seen:
                rows = [Push(crawl=row.crawl, host=row.host, payload=row.payload) for row in rows]
            await frontier.push(worker="w", call=call + 1, requests=rows)
        await client.close()

    return lambda _: asyncio.run(main())


def make_layers(count: int, *, error_rate: float = 1e-4) -> Callable[[redis.Redis], None]:
    """Make the layers that so many keys fill, without the keys: a filter takes a layer whole when it begins it."""

    def fill(connection: redis.Redis) -> None:
        left = count
        for number, layer in enumerate(layers(error_rate)):
            if left <= 0:
                return
            connection.setbit(f"layer:{number}", layer.bits - 1, 0)
            left -= layer.capacity

    return fill


def fill_scrapy_redis(count: int, *, seen: bool) -> Callable[[redis.Redis], None]:
    def fill(connection: redis.Redis) -> None:
        queue = PriorityQueue(connection, Spider("bench"), "%(spider)s:requests")
        for first in range(0, count, 1000):
            pipeline = connection.pipeline(transaction=False)
            for number in range(first, first + 1000):
                if seen:
                    pipeline.sadd("bench:dupefilter", hashlib.sha1(b"%d" % number).hexdigest())
                else:
                    url = f"https://host{number % HOSTS:03d}.example/section/page-{number:07d}.html"
                    request = Request(url, meta={"crawl_id": "c", "depth": 3}, priority=-3)
                    pipeline.zadd(queue.key, {queue._encode_request(request): 3})  # noqa: SLF001
            pipeline.execute()

    return fill


def measure_speed(console: Console, scale: int) -> None:
    """Compare requests per second, and what they cost Redis, over simulated workers."""
    table = Table("workers", "ours /s", "Redis ms CPU / 1000", "scrapy-redis /s", "Redis ms CPU / 1000", title="Speed")
    for workers in (1, 4, 16, 64):
        with server() as one:
            mine = ours(one, workers, 64_000 // scale)
        with server() as one:
            theirs = scrapy_redis(one, workers, 12_800 // scale)
        figures = [mine.per_second, mine.cpu_per_thousand * 1000, theirs.per_second, theirs.cpu_per_thousand * 1000]
        table.add_row(str(workers), *(f"{figure:,.1f}" for figure in figures))
    console.print(table)


def measure_memory(console: Console, scale: int) -> None:
    """Compare bytes per queued URL (its payload of about 110 bytes included) and per seen one."""
    count = 1_000_000 // scale
    table = Table("bytes of Redis per", "ours", "ours, exact", "scrapy-redis", title=f"Memory, {count:,} each")
    with server("--appendonly", "no") as one:
        queued = memory(one, fill_ours(one, count, seen=False), count)
        both = [memory(one, fill_ours(one, count, seen=True, error_rate=rate), count) for rate in (1e-4, 0.0)]
        theirs_queued = memory(one, fill_scrapy_redis(count, seen=False), count)
        theirs_seen = memory(one, fill_scrapy_redis(count, seen=True), count)
    with server("--appendonly", "no") as one:
        many = memory(one, make_layers(MANY), MANY)
    table.add_row("queued URL", f"{queued:.0f}", "", f"{theirs_queued:.0f}")
    table.add_row("seen URL", *(f"{one - queued:.1f}" for one in both), f"{theirs_seen:.1f}")
    table.add_row(f"seen URL, {MANY:,}, by its layers", f"{many:.1f}", "", "")
    console.print(table)


def measure_error(console: Console, scale: int) -> None:
    """Measure the Bloom filter's error."""
    with server("--appendonly", "no") as one:
        console.print(measure_filter(redis.Redis(port=one.port, socket_timeout=60), keys=5_000_000 // scale))


PARTS = {"speed": measure_speed, "memory": measure_memory, "error": measure_error}


def main() -> None:
    """Run the parts that were asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a tenth of the sizes")
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], help="default: all")
    options = parser.parse_args()
    for part in options.parts or PARTS:
        PARTS[part](Console(soft_wrap=True), 10 if options.quick else 1)


if __name__ == "__main__":
    main()
