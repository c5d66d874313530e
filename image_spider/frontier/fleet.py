"""The fleet's Redis, as one process sees it: every part of the broker on one connection pool."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from scrapy_redis import defaults

from image_spider import config
from image_spider.broker.claims import Claims
from image_spider.broker.client import Client
from image_spider.broker.crawls import Crawls
from image_spider.broker.fleet_figures import FigureReader
from image_spider.broker.frontier import Frontier, FrontierOptions
from image_spider.broker.hosts import Hosts
from image_spider.broker.keys import frontier_name
from image_spider.broker.proxies import SharedProxies
from image_spider.broker.start_urls import StartURLs
from image_spider.broker.workers import Workers

if TYPE_CHECKING:
    from scrapy.settings import BaseSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Fleet:
    """What the broker offers, for one spider's frontier."""

    client: Client
    requests: Frontier
    hosts: Hosts
    workers: Workers
    crawls: Crawls
    start_urls: StartURLs
    start_urls_key: str
    claims: Claims
    proxies: SharedProxies
    figures: FigureReader


def connect_fleet(settings: BaseSettings, *, spider: str, deadline_seconds: float | None = None) -> Fleet:
    """Make the fleet of a spider from the settings, those of scrapy-redis included; nothing is connected yet.

    Without a deadline, calls wait for a Redis that is away for as long as it takes.
    """
    values = config.from_settings(settings)
    client = Client(url=values.REDIS_URL, name=f"image_spider:{spider}", deadline_seconds=deadline_seconds)
    queue_key = settings.get("SCHEDULER_QUEUE_KEY") or defaults.SCHEDULER_QUEUE_KEY
    options = FrontierOptions(
        name=frontier_name(queue_key % {"spider": spider}),
        lease_seconds=values.LEASE_SECONDS,
        max_attempts=values.MAX_ATTEMPTS,
        host_max_pages=values.HOST_MAX_PAGES,
        seen_error_rate=values.SEEN_ERROR_RATE,
        seen_seconds=None if settings.getbool("SCHEDULER_PERSIST") else values.SEEN_SECONDS,
    )
    start_urls_key = (settings.get("REDIS_START_URLS_KEY") or defaults.START_URLS_KEY) % {"name": spider}
    return Fleet(
        client=client,
        requests=Frontier(client=client, options=options),
        hosts=Hosts(client=client, options=options, delay=values.HOST_DELAY_SECONDS, places=values.HOST_CONCURRENCY),
        workers=Workers(client=client, options=options),
        crawls=Crawls(client=client, options=options),
        start_urls=StartURLs(client=client, key=start_urls_key),
        start_urls_key=start_urls_key,
        claims=Claims(client=client, options=options, result_seconds=values.CLAIM_RESULT_SECONDS),
        proxies=SharedProxies(client=client, name=options.name),
        figures=FigureReader(client=client, options=options, start_urls_key=start_urls_key),
    )
