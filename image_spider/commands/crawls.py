"""`scrapy crawls`: what runs, how far it is, who works on it; and stop, pause, resume."""

from __future__ import annotations

import argparse
import asyncio
import time
from dataclasses import dataclass

from rich.console import Console, Group, RenderableType
from rich.live import Live
from scrapy.exceptions import UsageError as WrongArguments

from image_spider.broker.records import CrawlRecord, CrawlState
from image_spider.catalog.report_queries import newest_crawls
from image_spider.command import ProjectCommand, fleet_settings
from image_spider.command_catalog import command_catalog
from image_spider.config import Config
from image_spider.crawl_tables import FleetCrawl, catalog_table, fleet_table, hosts_table, workers_table
from image_spider.exceptions import UsageError
from image_spider.frontier import codec
from image_spider.frontier.fleet import Fleet, connect_fleet
from image_spider.spiders.images import ImagesSpider

DEADLINE_SECONDS = 10.0
REFRESH_SECONDS = 1.0
LIMIT = 50
LETTERS = 500  # dead letters of one call
INTERRUPTED = 130
STATES = {"stop": CrawlState.STOPPED, "pause": CrawlState.PAUSED, "resume": CrawlState.RUNNING}
ACTIONS = {
    **{action: f"{action} the crawl ID" for action in STATES},
    "dead": "print the requests that the crawl ID has given up: attempts, cause and URL, with tabs between",
    "requeue-dead": "put them back into the queue; a crawl that is over runs again",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What of a fleet is shown: one crawl or all; workers and hosts, or not."""

    crawl_id: str | None
    workers: bool
    hosts: bool


class Command(ProjectCommand):
    """Show and steer crawls."""

    def syntax(self) -> str:
        """Return the arguments."""
        return "[--watch] [--workers] [--hosts] [ID [--stop|--pause|--resume|--dead|--requeue-dead]]"

    def short_desc(self) -> str:
        """Describe the command in a line."""
        return "List the crawls of the fleet, or of the catalog; stop, pause, resume; dead letters"

    def long_desc(self) -> str:
        """Describe the command."""
        return (
            "List the crawls that the fleet knows, newest first, with their exact counters; without REDIS_URL, those "
            "of the catalog. --stop, --pause and --resume take effect on all workers within two seconds."
        )

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        """Add the command's options."""
        super().add_options(parser)
        parser.add_argument("--watch", action="store_true", help="show it anew every second, until Ctrl-C")
        parser.add_argument("--workers", action="store_true", help="list the workers as well")
        parser.add_argument("--hosts", action="store_true", help="list the hosts that are down, closed or slow as well")
        for action, meaning in ACTIONS.items():
            parser.add_argument(f"--{action}", action="store_true", help=meaning)

    def execute(self, args: list[str], opts: argparse.Namespace, settings: Config) -> None:
        """Do it."""
        actions = [action for action in ACTIONS if getattr(opts, action.replace("-", "_"))]
        if len(args) > 1 or len(actions) > 1 or (actions and not args):
            raise WrongArguments(f"give at most one ID, and with it at most one of --{', --'.join(ACTIONS)}")
        crawl_id = args[0] if args else None
        if actions or opts.workers or opts.hosts:
            fleet_settings(settings)
        assert self.settings is not None
        try:
            if not settings.REDIS_URL:
                _show_catalog(settings, crawl_id, watch=opts.watch)
                return
            fleet = connect_fleet(self.settings, spider=ImagesSpider.name, deadline_seconds=DEADLINE_SECONDS)
            if actions and crawl_id:
                asyncio.run(_steer(fleet, crawl_id, actions[0]))
            else:
                shown = Shown(crawl_id=crawl_id, workers=opts.workers, hosts=opts.hosts)
                asyncio.run(_show_fleet(fleet, shown, watch=opts.watch))
        except KeyboardInterrupt:
            self.exitcode = 0 if opts.watch else INTERRUPTED  # Ctrl-C is the way to end --watch


async def _steer(fleet: Fleet, crawl_id: str, action: str) -> None:
    try:
        await fleet.client.connect()
        record = await _record(fleet, crawl_id)
        if action == "dead":
            await _print_dead(fleet, crawl_id)
        elif action == "requeue-dead":
            queued = await fleet.requests.requeue_dead(crawl=crawl_id)
            print(f"{queued:,} requests of {crawl_id} are queued again")  # noqa: T201
        elif await fleet.crawls.set_state(crawl=crawl_id, state=STATES[action]):
            done = {"stop": "stopped", "pause": "paused", "resume": "running"}[action]
            print(f"{crawl_id} is {done}")  # noqa: T201
        else:
            raise UsageError("crawl", crawl_id, f"a crawl that is not over; this one is {record.state}")
    finally:
        await fleet.client.close()


async def _record(fleet: Fleet, crawl_id: str) -> CrawlRecord:
    record = await fleet.crawls.get(crawl=crawl_id)
    if record is None:
        raise UsageError("crawl", crawl_id, "the id of a crawl of this fleet: `scrapy crawls` lists them")
    return record


async def _print_dead(fleet: Fleet, crawl_id: str) -> None:
    first = 0
    while letters := await fleet.requests.dead_letters(first=first, count=LETTERS):
        for letter in letters:
            if letter.crawl == crawl_id:
                print(letter.attempts, letter.cause, codec.url_of(letter.payload), sep="\t")  # noqa: T201
        first += len(letters)


async def _show_fleet(fleet: Fleet, shown: Shown, *, watch: bool) -> None:
    console = _console()
    try:
        await fleet.client.connect()
        picture = await _fleet_picture(fleet, shown)
        if not watch:
            console.print(picture)
            return
        with Live(picture, console=console, auto_refresh=False) as live:
            while True:
                await asyncio.sleep(REFRESH_SECONDS)
                live.update(await _fleet_picture(fleet, shown), refresh=True)
    finally:
        await fleet.client.close()


async def _fleet_picture(fleet: Fleet, shown: Shown) -> RenderableType:
    if crawl_id := shown.crawl_id:
        found = [(await _record(fleet, crawl_id), await fleet.claims.images(crawl=crawl_id))]
    else:
        found = [*await fleet.crawls.newest(count=LIMIT)]
    parts: list[RenderableType] = [
        fleet_table(FleetCrawl(record=record, unique_images=images) for record, images in found)
    ]
    if crawl_id:
        seen = await fleet.crawls.seen(crawl=crawl_id)
        parts.append(f"seen: {seen.count:,} URLs, {seen.bits / 8 / 2**20:.1f} MiB, error rate {seen.error:.1e}")
    if shown.workers:
        parts.append(workers_table(await fleet.workers.all()))
    if shown.hosts:
        parts.append(hosts_table(await fleet.hosts.all(), now=time.time()))
    waiting = await fleet.start_urls.waiting()
    if waiting:
        parts.append(f"{waiting:,} start URLs wait in {fleet.start_urls_key}: is a worker running?")
    return Group(*parts)


def _show_catalog(settings: Config, crawl_id: str | None, *, watch: bool) -> None:
    with command_catalog(settings) as catalog:
        catalog.open(create=False)

        def picture() -> RenderableType:
            with catalog.reading(may_lag=True) as connection:
                rows = newest_crawls(connection, crawl_id, limit=LIMIT)
            if crawl_id and not rows:
                raise UsageError("crawl", crawl_id, "the id of a crawl of the catalog: `scrapy crawls` lists them")
            return catalog_table(rows)

        if not watch:
            _console().print(picture())
            return
        with Live(picture(), console=_console(), auto_refresh=False) as live:
            while True:
                time.sleep(REFRESH_SECONDS)
                live.update(picture(), refresh=True)


def _console() -> Console:
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=200)
