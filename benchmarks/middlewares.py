"""What the downloader middlewares cost: `python -m benchmarks.middlewares [--pages N] [--repeat N] [--set NAME=VALUE]`.

One worker crawls a fast site of pages that are links and nothing else, from nginx on loopback (apt-get install nginx;
without it, Python), with no delay, 16 requests at a time:

    none      no downloader middleware at all
    Scrapy's  those that Scrapy switches on by itself
    all       what the project's settings name, with USER_AGENTS=rotate, cookies and robots.txt on

The contestants take turns, the ratio is to `none` of the same round. Then the CPU of each middleware is measured by
itself (benchmarks/stopwatch.py), through a proxy, so that those of proxies are there too. Which middlewares there are,
is read from the settings.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from rich.console import Console
from rich.table import Table

from benchmarks.frontier.runs import ended, worker
from benchmarks.frontier.sites import url, write_site
from benchmarks.images.tables import Claim, claims_table
from benchmarks.web_server import WebServer, find_nginx
from tests.proxies import RealProxy

FLOOR = 0.9  # of the speed without ours, and without any
ALL = {
    "USER_AGENTS": "rotate",
    "COOKIES_ENABLED": "true",
    "ROBOTSTXT_OBEY": "true",
    "ALLOW_ADDRESSES": "127.0.0.0/8",
}
CONTESTANTS: dict[str, dict[str, str]] = {
    "none": {"DOWNLOADER_MIDDLEWARES": "{}", "DOWNLOADER_MIDDLEWARES_BASE": "{}", "ALLOW_ADDRESSES": "127.0.0.0/8"},
    "Scrapy's": {"DOWNLOADER_MIDDLEWARES": "{}", "ALLOW_ADDRESSES": "127.0.0.0/8"},
    "all": ALL,
}
EXTENSIONS = {
    "image_spider.extensions.proxies.Proxies": 0,
    "image_spider.extensions.retries.Retries": 0,
    "benchmarks.stopwatch.Stopwatch": 1,
}
WAYS = ("process_request", "process_response", "process_exception")


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One crawl: pages/s from the first request to the last, CPU ms per page of the worker."""

    rate: float
    cpu_ms: float


def main() -> None:
    """Race, measure, print."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.middlewares",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--pages", type=int, default=3000, help="of the site (default 3000)")
    parser.add_argument("--repeat", type=int, default=5, help="rounds; medians are printed (default 5)")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="a setting more for `all`")
    arguments = parser.parse_args()
    more = dict(word.split("=", 1) for word in arguments.set)
    console = Console(width=120)
    with tempfile.TemporaryDirectory(prefix="middlewares-") as folder:
        server = WebServer(Path(folder), nginx=find_nginx())
        write_site(Path(folder), [server.url], arguments.pages)
        with server:
            runs = race(server, pages=arguments.pages, repeat=arguments.repeat, more=more)
            costs = [stopwatch(server, pages=arguments.pages, more=more) for _ in range(arguments.repeat)]
    console.print(race_table(runs))
    console.print(cost_table(costs))
    claims = [claim for beside in ("Scrapy's", "none") for claim in _claims(runs, beside)]
    console.print(claims_table(claims))


def _claims(runs: Mapping[str, list[Run]], beside: str) -> list[Claim]:
    pairs = list(zip(runs["all"], runs[beside], strict=True))
    return [
        Claim(f"all to {beside}, pages/s", median(run.rate / other.rate for run, other in pairs), "", FLOOR),
        Claim(
            "the same by CPU, on a busy machine", median(other.cpu_ms / run.cpu_ms for run, other in pairs), "", FLOOR
        ),
    ]


def race(server: WebServer, *, pages: int, repeat: int, more: Mapping[str, str]) -> dict[str, list[Run]]:
    """Return the runs of each contestant; every other round goes in the opposite order."""
    runs: defaultdict[str, list[Run]] = defaultdict(list)
    for number in range(repeat):
        names = list(CONTESTANTS)
        for name in reversed(names) if number % 2 else names:
            settings = {**CONTESTANTS[name], **(more if name == "all" else {})}
            figures = crawl(server, settings, pages=pages)
            requested = server.requests("/0/")
            seconds = requested[-1] - requested[0]
            runs[name].append(Run(rate=(pages - 1) / seconds, cpu_ms=1000 * figures["cpu_seconds"] / pages))
    return {name: runs[name] for name in CONTESTANTS}


def crawl(server: WebServer, settings: Mapping[str, str], *, pages: int) -> dict[str, float]:
    """Let a worker crawl the site and return what it counted; SystemExit unless it asked for each page once."""
    server.forget()
    with tempfile.TemporaryDirectory(prefix="worker-") as work:
        folder = Path(work)
        log = ended(worker("memory", url(server.url, 0, 0), folder, settings=settings), folder / "worker.log")
        figures: dict[str, float] = json.loads((folder / "worker.json").read_text(encoding="utf-8"))
    requested = len(server.requests("/0/"))
    if not requested == figures["pages"] == pages:
        raise SystemExit(f"{figures['pages']} pages of {pages}, {requested} requests: {log[-3000:]}")
    return figures


def stopwatch(server: WebServer, *, pages: int, more: Mapping[str, str]) -> dict[str, dict[str, float]]:
    """Return microseconds of CPU per page by middleware and way, in the order in which a request passes them."""
    with tempfile.TemporaryDirectory(prefix="stopwatch-") as work:
        file = Path(work) / "stopwatch.json"
        with RealProxy() as proxy:
            through = {"PROXIES": "env", "PROXY_LIST": proxy.url(), "EXTENSIONS": json.dumps(EXTENSIONS)}
            crawl(server, {**ALL, **through, **more, "STOPWATCH_FILE": str(file)}, pages=pages)
        measured = json.loads(file.read_text(encoding="utf-8"))
    return {
        name: {
            way: 1e6 * max(0.0, seconds.get(way, 0.0) - measured["empty"] * seconds.get(f"{way} calls", 0.0)) / pages
            for way in WAYS
        }
        for name, seconds in measured["seconds"].items()
    }


def race_table(runs: Mapping[str, list[Run]]) -> Table:
    """Return the contestants side by side."""
    table = Table(
        "middlewares", "pages/s", "to none", "CPU ms/page", title="One worker, 16 requests at a time, medians"
    )
    for column in table.columns[1:]:
        column.justify = "right"
    for name, several in runs.items():
        ratio = median(run.rate / beside.rate for run, beside in zip(several, runs["none"], strict=True))
        rate, cpu = median(run.rate for run in several), median(run.cpu_ms for run in several)
        table.add_row(name, f"{rate:.0f}", f"{ratio:.2f}", f"{cpu:.2f}")
    return table


def cost_table(costs: list[dict[str, dict[str, float]]]) -> Table:
    """Return the CPU of each middleware, the one nearest to the engine first."""
    table = Table(
        "middleware", *(way.removeprefix("process_") for way in WAYS), "sum", title="Microseconds of CPU per page"
    )
    for column in table.columns[1:]:
        column.justify = "right"
    whole = 0.0
    for name in costs[0]:
        ways = [median(cost[name][way] for cost in costs) for way in WAYS]
        whole += sum(ways)
        table.add_row(name, *(f"{way:.1f}" if way else "" for way in ways), f"{sum(ways):.1f}")
    table.add_row("all", "", "", "", f"{whole:.1f}")
    return table


if __name__ == "__main__":
    main()
