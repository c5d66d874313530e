"""`scrapy proxies`: the proxies, how they do, which rest; add and remove while workers run."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Sequence

from rich.console import Console
from scrapy.exceptions import UsageError as WrongArguments

from image_spider.broker.proxies import SharedProxies
from image_spider.command import ProjectCommand, fleet_settings
from image_spider.config import Config
from image_spider.exceptions import UsageError
from image_spider.frontier.fleet import connect_fleet
from image_spider.proxies.proxy import Proxy, read_list
from image_spider.proxies.sources import list_source
from image_spider.proxy_tables import ProxyRow, host_rows, proxies_table, proxy_rows
from image_spider.spiders.images import ImagesSpider

DEADLINE_SECONDS = 10.0


class Command(ProjectCommand):
    """Show and change the proxies."""

    def syntax(self) -> str:
        """Return the arguments."""
        return "[--json] [--hosts NAME] [--add URL...|--remove NAME...]"

    def short_desc(self) -> str:
        """Describe the command in a line."""
        return "Show the proxies, what came of their requests and which rest; add and remove"

    def long_desc(self) -> str:
        """Describe the command."""
        return (
            "List the proxies with the counts of the whole fleet; credentials are never shown. With PROXIES=redis, "
            "--add and --remove change the list, which workers take up within a second; a file is edited."
        )

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        """Add the command's options."""
        super().add_options(parser)
        parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
        parser.add_argument("--hosts", metavar="NAME", help="the hosts that the proxy NAME has asked")
        parser.add_argument(
            "--add",
            metavar="URL",
            nargs="+",
            help="add proxies, or give them other credentials; -: one a line of stdin",
        )
        parser.add_argument(
            "--remove", metavar="NAME", nargs="+", help="remove proxies; an address means all its users"
        )

    def execute(self, args: list[str], opts: argparse.Namespace, settings: Config) -> None:
        """Do it."""
        if args or sum(bool(given) for given in (opts.add, opts.remove, opts.hosts)) > 1:
            raise WrongArguments("give at most one of --hosts, --add and --remove, and nothing else")
        assert self.settings is not None
        listed = _listed(settings)
        if not settings.REDIS_URL and not (opts.add or opts.remove or opts.hosts):
            _print(proxy_rows([proxy.name for proxy in listed or ()], {}, {}, now=0.0), opts)
            return
        fleet_settings(settings)
        if listed is not None and (opts.add or opts.remove):
            raise UsageError(
                "PROXIES", settings.PROXIES, "redis; in the other cases the list is the setting's or the file's"
            )
        shared = connect_fleet(self.settings, spider=ImagesSpider.name, deadline_seconds=DEADLINE_SECONDS).proxies
        asyncio.run(_run(shared, listed, opts))


def _listed(settings: Config) -> tuple[Proxy, ...] | None:
    """Return the proxies of a file or of the environment; None when the list is Redis's."""
    if settings.PROXIES in {"", "redis"}:
        if not settings.REDIS_URL:
            raise UsageError("PROXIES", settings.PROXIES, "file or env; or redis, and REDIS_URL names it")
        return None
    source = list_source(settings)
    return source.read() if source else None


async def _run(shared: SharedProxies, listed: tuple[Proxy, ...] | None, opts: argparse.Namespace) -> None:
    try:
        await shared.client.connect()
        if listed is None:
            listed = read_list("\n".join(await shared.urls()), setting="F:proxies")
        if opts.add:
            proxies = _given(opts.add)
            added = await shared.add(proxies)
            print(f"{added:,} proxies added, {len(proxies) - added:,} renewed")  # noqa: T201
        elif opts.remove:
            removed = await shared.remove(_named(opts.remove, listed))
            print(f"{removed:,} proxies removed")  # noqa: T201
        elif opts.hosts:
            (name,) = _named([opts.hosts], listed, one=True)
            rows = host_rows(name, await shared.hosts(name), await shared.bans(), now=await shared.now())
            _print(rows, opts)
        else:
            names = sorted(proxy.name for proxy in listed)
            _print(proxy_rows(names, await shared.tallies(), await shared.bans(), now=await shared.now()), opts)
    finally:
        await shared.client.close()


def _given(words: Sequence[str]) -> tuple[Proxy, ...]:
    """Read proxies from the command line, or from standard input, where no other user sees their credentials."""
    text = sys.stdin.read() if list(words) == ["-"] else "\n".join(words)
    proxies = read_list(text, setting="--add")
    if not proxies:
        raise UsageError("--add", "-", "at least one proxy")
    return proxies


def _named(words: Sequence[str], proxies: Sequence[Proxy], *, one: bool = False) -> list[str]:
    """Return the names of proxies that were given by name or by address."""
    found = []
    for word in words:
        names = [proxy.name for proxy in proxies if word in {proxy.name, proxy.address}]
        if not names or (one and len(names) > 1):
            shown = word.rpartition("@")[2]
            raise UsageError("proxy", shown, "the name of one proxy: `scrapy proxies` lists them")
        found += names
    return found


def _print(rows: Sequence[ProxyRow], opts: argparse.Namespace) -> None:
    if opts.json:
        print(json.dumps([row.to_json() for row in rows], indent=2))  # noqa: T201
        return
    console = Console(highlight=False)
    console = console if console.is_terminal else Console(highlight=False, width=200)
    console.print(proxies_table(rows, of_hosts=bool(opts.hosts)))
