"""One budget per host: a fleet asks no more often, and with no more requests at a time, than one worker may."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.project import Project
from tests.system.fleet import FRONTIER, Fleet
from tests.timed_site import TimedSite, fullest_second, keeps_to, rate
from tests.waiting import wait_until

# On a machine that runs nothing else the limits are exact. On one where processes stand still for tenths of a second, a
# request may leave its worker that much after its turn, however punctual the turn was: there the mean counts.
STRICT = os.environ.get("IMAGE_SPIDER_FAULTS") == "full"
SOME_KEYS = ("busy", "waiting", "payloads", "ready")
KEEP = ("-s", "DUPLICATES=keep")


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    with Fleet(tmp_path) as fleet:
        fleet.environment["IMAGES_PROCESSES"] = "1"
        yield fleet


def started(fleet: Fleet, site: TimedSite, workers: int, *settings: str) -> None:
    words = [word for setting in settings for word in ("-s", setting)]
    for _ in range(workers):
        fleet.launch_worker(*words, *KEEP)
    fleet.wait_for_joined()
    fleet.push(f"{site.url}/")


def ended(fleet: Fleet, seconds: float = 120) -> tuple[object, ...]:
    found: tuple[object, ...] = wait_until(lambda: fleet.recorded("default"), seconds=seconds, what="the crawl's end")
    return found


def counted(fleet: Fleet, name: str) -> int:
    """Return what all workers counted, by the stats in their logs."""
    for worker in fleet.workers:
        fleet.stop(worker)
    logs = [fleet.log(number) for number in range(len(fleet.workers))]
    return sum(int(count) for log in logs for count in re.findall(rf"'{name}': (\d+)", log))


@pytest.mark.parametrize(("per_second", "pages"), [(10, 30), (50, 100)] if STRICT else [(50, 10)])
def test_four_workers_keep_to_the_rate_of_a_host_and_use_it(fleet: Fleet, per_second: int, pages: int):
    with TimedSite(pages=pages, images_each=30) as site:
        started(fleet, site, 4, f"HOST_DELAY_SECONDS={1 / per_second}")
        assert ended(fleet, 300) == ("completed", "finished")
        moments = site.moments
    used, fullest = rate(moments) / per_second, fullest_second(moments)
    calls = counted(fleet, "politeness/calls") / len(moments)
    print(f"\n{per_second}/s: {used:.1%} used, {fullest} in the fullest second, {calls:.3f} calls for a request")
    assert len(moments) >= pages * 31
    assert keeps_to(per_second, moments)
    if STRICT:
        assert fullest <= per_second
        assert used >= 0.95
        assert calls <= 0.05
    else:
        assert fullest <= 2 * per_second
        assert used >= 0.2
        assert calls <= 0.25


def test_workers_share_the_places_of_a_host_for_pages_images_and_robots_txt(fleet: Fleet):
    with TimedSite(pages=12, images_each=6, seconds=0.02) as site:
        started(fleet, site, 2, "HOST_DELAY_SECONDS=0", "HOST_CONCURRENCY=2")
        assert ended(fleet) == ("completed", "finished")
    assert fleet.rows("select count(*) from images") == [(72,)]
    assert site.most_at_once <= 2
    keys = [f"{FRONTIER}:{name}" for name in SOME_KEYS]
    wait_until(lambda: fleet.redis.ask("EXISTS", *keys) == ":0", what="all places given back")


def test_the_one_place_of_a_host_goes_round_and_comes_back_from_a_worker_that_is_killed(fleet: Fleet):
    with TimedSite(pages=7, images_each=8, seconds=0.05) as site:
        started(fleet, site, 2, "HOST_DELAY_SECONDS=0", "HOST_CONCURRENCY=1", "LEASE_SECONDS=4")
        holder = wait_until(lambda: _holder(fleet), what="a worker with a place of its own")
        fleet.stop(holder, signal.SIGKILL)
        assert ended(fleet) == ("completed", "finished")
    assert fleet.rows("select count(*) from images") == [(56,)]
    assert site.most_at_once <= 2  # the killed worker's request was still being answered
    wait_until(lambda: fleet.redis.ask("EXISTS", f"{FRONTIER}:busy") == ":0", what="its place given back")


def _holder(fleet: Fleet) -> subprocess.Popen[str] | None:
    keys = fleet.redis.ask("KEYS", f"{FRONTIER}:places:*")
    for number, worker in enumerate(fleet.workers):
        if any(name in keys for name in re.findall(r"Worker (\S+) has joined", fleet.log(number))):
            return worker
    return None


def test_what_one_worker_is_told_by_retry_after_all_of_them_heed(fleet: Fleet):
    with TimedSite(pages=15, images_each=20) as site:
        site.once["/70.png"] = 429, "Retry-After: 8\r\n", b""
        started(fleet, site, 2, "HOST_DELAY_SECONDS=0.02")
        told = wait_until(lambda: next((at for at, path in tuple(site.requests) if path == "/70.png"), None))
        wait_until(lambda: any(at > told + 8 for at in site.moments), what="the first request after that")
        early = [at - told for at in site.moments if told + 4 < at < told + 7.9]
        assert early == []  # another worker hears of it within a second
        assert ended(fleet) == ("completed", "finished")
    assert fleet.rows("select count(*) from images") == [(300,)]


def test_a_worker_that_ends_does_not_wait_for_turns(fleet: Fleet):
    with TimedSite(pages=3, images_each=10) as site:
        started(fleet, site, 1, "HOST_DELAY_SECONDS=40")
        wait_until(lambda: len(site.requests) == 1)
        fleet.start_worker("-s", "HOST_DELAY_SECONDS=40")
        since = time.monotonic()
        for worker in fleet.workers:
            assert fleet.stop(worker) == 130
        assert time.monotonic() - since < 30
        assert len(site.requests) == 1
        assert fleet.fields("default")["outstanding"] == "1"
        assert fleet.rows("select count(*) from failures") == [(0,)]


def test_a_local_run_keeps_to_the_same_limits(tmp_path: Path):
    project = Project(tmp_path)
    with TimedSite(pages=3, images_each=10, seconds=0.05) as site:
        words = ("-s", "HOST_DELAY_SECONDS=0.1", "-s", "HOST_CONCURRENCY=2", *KEEP)
        done = project.run("crawl", "images", "-a", f"url={site.url}", *words)
        assert done.returncode == 0, done.stderr
    assert project.rows("select count(*) from images") == [(30,)]
    assert site.most_at_once <= 2
    assert keeps_to(10, site.moments)
