"""Many hosts: what a slow one costs the others, and what each gets from four workers."""

from __future__ import annotations

import signal
import subprocess
import sys
import tempfile
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from statistics import median

from rich.console import Console

from benchmarks.contestants import ROOT
from benchmarks.frontier.runs import Crawled, calls, crawl, ended, redis_server, worker
from benchmarks.frontier.sites import url, write_site
from benchmarks.images.tables import Claim
from benchmarks.web_server import WebServer, find_nginx
from tests.redis_servers import START_SECONDS, RedisServer
from tests.waiting import wait_until

HOSTS = 200
SLOW_SECONDS = 2.0
SLOW_PAGES = 40  # the slow host is asked all the time
WORKERS, POLITE_HOSTS, DELAY_SECONDS = 4, 10, 0.1
POLITE = {"HOST_DELAY_SECONDS": DELAY_SECONDS, "HOST_CONCURRENCY": 4}  # the project's defaults
FRONTIER = "{images:requests}"


def slow_host(console: Console, *, pages: int, repeat: int) -> list[Claim]:
    """Crawl hosts with and without a slow one among them, in turns; `pages` is of all hosts together."""
    ratios, rates, round_trips = [], [], []
    for number in range(repeat):
        pair = {}
        for slow in (False, True) if number % 2 else (True, False):
            run = _crawl_hosts(slow=slow, each=pages // HOSTS)
            pair[slow] = run.rate
            round_trips.append(run.round_trips)
        rates.append(pair[False])
        ratios.append(pair[True] / pair[False])
    told = ", ".join(f"{ratio:.3f}" for ratio in ratios)
    console.print(
        f"{HOSTS} hosts, delay {DELAY_SECONDS} s: {median(rates):.0f} pages/s without a slow one; with one that answers"
        f" after {SLOW_SECONDS:g} s, times {told}; {median(round_trips):.2f} round trips/page"
    )
    return [Claim("throughput of 199 hosts beside a slow one", median(ratios), "", 0.95)]


def _crawl_hosts(*, slow: bool, each: int) -> Crawled:
    addresses = [f"127.0.1.{number}" for number in range(1, HOSTS + 1)]
    with _site(addresses[:-1], each) as (server, folder), ExitStack() as stack:
        extra = 0
        if slow:
            extra = SLOW_PAGES
            base = f"http://{addresses[-1]}:{server.port}/"
            home = folder / "0" / "0.txt"
            home.write_text(home.read_text() + "".join(f"\n{url(base, HOSTS, page)}" for page in range(extra)))
            stack.enter_context(_slow_server(addresses[-1], server.port))
        pages = each * (HOSTS - 1)
        return crawl("ours", url(server.url, 0, 0), server=server, pages=pages, elsewhere=extra, settings=POLITE)


@contextmanager
def _site(addresses: Sequence[str], each: int) -> Iterator[tuple[WebServer, Path]]:
    with tempfile.TemporaryDirectory(prefix="site-") as name:
        folder = Path(name)
        server = WebServer(folder, nginx=find_nginx(), addresses=addresses)
        write_site(folder, [f"http://{address}:{server.port}/" for address in addresses], each)
        with server:
            yield server, folder


@contextmanager
def _slow_server(address: str, port: int) -> Iterator[None]:
    command = [sys.executable, "-m", "benchmarks.frontier.slow_host", address, str(port), str(SLOW_SECONDS)]
    with subprocess.Popen(command, cwd=ROOT) as process:
        yield
        process.terminate()


@dataclass(frozen=True, slots=True)
class Politeness:
    """What one host saw: requests in the fullest second, the shortest gap in seconds, and its rate per second.

    full is the share of requests with which a second begins that is fuller than the limit.
    """

    most: int
    full: float
    shortest: float
    rate: float


def politeness(moments: Sequence[float], limit: float) -> Politeness:
    """Read the moments of a host's requests, in order; at least two."""
    seconds = [bisect_left(moments, start + 1.0) - number for number, start in enumerate(moments)]
    full = sum(count > limit for count in seconds) / len(seconds)
    gaps = [after - before for before, after in pairwise(moments)]
    return Politeness(max(seconds), full, min(gaps), len(gaps) / (moments[-1] - moments[0]))


def rates(console: Console, *, pages: int) -> list[Claim]:
    """Let four workers crawl ten hosts; `pages` of each host."""
    limit = 1 / DELAY_SECONDS
    with _site([f"127.0.2.{number}" for number in range(1, POLITE_HOSTS + 1)], pages) as (server, _):
        with redis_server() as own:
            _run_fleet(own, url(server.url, 0, 0))
            requests = calls(own, ("evalsha", "eval")) / (pages * POLITE_HOSTS)
        hosts = [politeness(server.requests(f"/{number}/"), limit) for number in range(POLITE_HOSTS)]
    most, rate = max(host.most for host in hosts), min(host.rate for host in hosts)
    console.print(
        f"{WORKERS} workers, {POLITE_HOSTS} hosts with {pages} pages each, delay {DELAY_SECONDS} s: at most {most}"
        f" requests in a second (more than {limit:g} in {100 * max(host.full for host in hosts):.0f} % of those of the"
        f" worst host), {rate:.2f} to {max(host.rate for host in hosts):.2f} per second and host; shortest gap"
        f" {1000 * min(host.shortest for host in hosts):.0f} ms; {requests:.2f} round trips/page"
    )
    return [
        Claim("requests to a host in the fullest second", most, "", limit + 1, lower_is_better=True),
        Claim("of a host's rate used, the worst host", rate / limit, "", 0.95),
    ]


def _run_fleet(own: RedisServer, start_url: str) -> None:
    """Let one worker begin the crawl when the others are there; it ends with the crawl, and they are told to."""
    settings = {**POLITE, "REDIS_URL": own.url}
    with tempfile.TemporaryDirectory(prefix="fleet-") as work, ExitStack() as stack:
        folder = Path(work)

        def start(number: int, start_url: str) -> subprocess.Popen[bytes]:
            process = worker("ours", start_url, folder, name=f"worker{number}", settings=settings)
            stack.callback(process.wait)
            stack.callback(process.kill)
            return process

        others = [start(number, "") for number in range(1, WORKERS)]
        wait_until(
            lambda: own.ask("ZCARD", f"{FRONTIER}:workers") == f":{len(others)}",
            what="the fleet",
            seconds=START_SECONDS,
        )
        ended(start(0, start_url), folder / "worker0.log")
        for number, process in enumerate(others, 1):
            process.send_signal(signal.SIGTERM)
            ended(process, folder / f"worker{number}.log")
