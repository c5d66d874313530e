"""How fast a worker of the fleet crawls, and how polite a fleet is: `python -m benchmarks.frontier`.

    crawl    one worker, one site of pages that are links and nothing else: ours, scrapy-redis 0.9.1 and Scrapy's
             in-memory scheduler, with Redis near and 2 and 10 ms away
    hosts    200 hosts, one of which answers after 2 s: what the others lose by it
    rates    what each host gets from 4 workers with a delay of 0.1 s

`python -m benchmarks.frontier.redis_alone` tells what the frontier costs Redis. nginx serves the pages (apt-get install
nginx); without it, Python does. The worker runs a spider that only yields the links of a page, for all contestants.
"""

from __future__ import annotations

import argparse
import time

from rich.console import Console

from benchmarks.frontier.comparison import compare
from benchmarks.frontier.hosts import rates, slow_host
from benchmarks.images.tables import Claim, claims_table

PARTS = ("crawl", "hosts", "rates")


def main() -> None:
    """Run the asked parts and print each when it is done, the claims at the end."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.frontier", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", choices=PARTS, action="append", help="run this part only (may be repeated)")
    parser.add_argument("--pages", type=int, default=5000, help="of the site (default 5000)")
    parser.add_argument("--repeat", type=int, default=3, help="runs of each, the median is printed (default 3)")
    parser.add_argument("--quick", action="store_true", help="a quarter of the pages, one run of each")
    parser.add_argument("--no-peers", action="store_true", help="leave scrapy-redis out")
    arguments = parser.parse_args()
    if arguments.quick:
        arguments.pages, arguments.repeat = arguments.pages // 4, 1
    console, claims, started = Console(width=120), list[Claim](), time.monotonic()
    parts = {"crawl": _crawl, "hosts": _hosts, "rates": _rates}
    for part in arguments.only or PARTS:
        claims += parts[part](arguments, console)
        console.print(f"{part}: done after {time.monotonic() - started:.0f} s")
    console.print(claims_table(claims))


def _crawl(arguments: argparse.Namespace, console: Console) -> list[Claim]:
    return compare(console, pages=arguments.pages, repeat=arguments.repeat, peers=not arguments.no_peers)


def _hosts(arguments: argparse.Namespace, console: Console) -> list[Claim]:
    return slow_host(console, pages=arguments.pages, repeat=arguments.repeat)


def _rates(arguments: argparse.Namespace, console: Console) -> list[Claim]:
    return rates(console, pages=max(70, arguments.pages // 25))


if __name__ == "__main__":
    main()
