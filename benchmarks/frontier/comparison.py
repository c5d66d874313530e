"""The crawl of one site by one worker: Scrapy's in-memory scheduler, ours and scrapy-redis, near Redis and far away."""

from __future__ import annotations

import tempfile
from collections import defaultdict
from pathlib import Path
from statistics import median

from rich.console import Console
from rich.table import Table

from benchmarks.frontier.runs import Crawled, crawl
from benchmarks.frontier.sites import url, write_site
from benchmarks.images.tables import Claim
from benchmarks.web_server import WebServer, find_nginx

FLOORS = {0.0: 0.9, 0.002: 0.8, 0.010: 0.7}  # of the in-memory scheduler's speed, by round trip
MOST_ROUND_TRIPS = 0.2  # per request
SLOW_PAGES = {0.0: 1.0, 0.002: 0.3, 0.010: 0.08}  # part of the pages that scrapy-redis gets: it takes minutes for all

Cell = tuple[str, float]


def compare(console: Console, *, pages: int, repeat: int, peers: bool) -> list[Claim]:
    """Race the contestants in turns and print the medians; the ratio is to the in-memory run of the same round."""
    runs: defaultdict[Cell, list[Crawled]] = defaultdict(list)
    ratios: defaultdict[Cell, list[float]] = defaultdict(list)
    for number in range(repeat):
        cells = [("ours", distance) for distance in FLOORS]
        if peers and not number:
            cells += [("scrapy-redis", distance) for distance in FLOORS]
        memory = _run(("memory", 0.0), pages)
        runs["memory", 0.0].append(memory)
        for cell in cells:
            part = SLOW_PAGES[cell[1]] if cell[0] == "scrapy-redis" else 1
            run = _run(cell, int(pages * part))
            runs[cell].append(run)
            ratios[cell].append(run.rate / memory.rate)
    console.print(_table(runs, ratios))
    return [*_claims(runs, ratios)]


def _run(cell: Cell, pages: int) -> Crawled:
    contestant, distance = cell
    with tempfile.TemporaryDirectory(prefix="site-") as folder:
        server = WebServer(Path(folder), nginx=find_nginx())
        write_site(Path(folder), [server.url], pages)
        with server:
            start = url(server.url, 0, 0)
            return crawl(contestant, start, server=server, pages=pages, round_trip_seconds=distance)


def _claims(runs: dict[Cell, list[Crawled]], ratios: dict[Cell, list[float]]) -> list[Claim]:
    claims = [
        Claim(f"ratio to in memory, {1000 * distance:g} ms round trip", median(ratios["ours", distance]), "", floor)
        for distance, floor in FLOORS.items()
    ]
    most = max(median(run.round_trips for run in runs["ours", distance]) for distance in FLOORS)
    return [*claims, Claim("round trips per request", most, "", MOST_ROUND_TRIPS, lower_is_better=True)]


def _table(runs: dict[Cell, list[Crawled]], ratios: dict[Cell, list[float]]) -> Table:
    head = ("contestant", "round trip ms", "pages", "pages/s", "to in memory", "round trips/page", "CPU ms/page")
    table = Table(*head, title="One worker, 16 requests at a time, medians")
    for column in table.columns[1:]:
        column.justify = "right"
    for cell, several in runs.items():
        table.add_row(
            cell[0],
            f"{1000 * cell[1]:g}",
            f"{several[0].pages:,}",
            f"{median(run.rate for run in several):.0f}",
            f"{median(ratios[cell]):.2f}" if cell in ratios else "",
            f"{median(run.round_trips for run in several):.2f}",
            f"{median(run.cpu_ms for run in several):.2f}",
        )
    return table
