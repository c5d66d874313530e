"""Redis freezes: it keeps its connections, and answers nothing."""

from __future__ import annotations

import os
import signal
import time

from tests.system.faults.faulty_fleet import MODEST, FaultyFleet
from tests.system.faults.scale import SCALE
from tests.waiting import DEADLINE_SECONDS, wait_until

LONGEST_LAG_SECONDS = SCALE.stop_seconds / 2  # a loop that waits for Redis is late by the whole freeze


def test_a_frozen_redis_neither_blocks_a_worker_nor_loses_anything(fleet: FaultyFleet):
    fleet.start_workers()
    fleet.start_crawl_of_site()
    frozen_at = time.monotonic()
    os.kill(fleet.redis.pid, signal.SIGSTOP)
    fleet.site.hold_at(fleet.site.answered + SCALE.workers)
    wait_until(lambda: time.monotonic() > frozen_at + SCALE.stop_seconds)
    thawed_at = time.monotonic()
    asked = len(fleet.site.requests)
    assert len(fleet.site.asked()) < len(fleet.site.all_pages) + len(fleet.site.all_images)
    wait_until(lambda: fleet.said("Redis is away, waiting: Redis does not answer"))
    os.kill(fleet.redis.pid, signal.SIGCONT)
    fleet.site.open()  # workers all of whose places are held by its gate ask for nothing
    wait_until(lambda: len(fleet.site.requests) > asked)
    outcome = fleet.finish(f"Redis SIGSTOP, {SCALE.stop_seconds:g} s")
    assert outcome.missing == 0, outcome
    fleet.assert_books_balance()
    for worker in fleet.workers:
        fleet.stop(worker)
    longest = max(late for number in range(SCALE.workers) for late in (0.0, *fleet.lags(number, frozen_at, thawed_at)))
    print(f"longest lag of a worker's event loop: {1000 * longest:.0f} ms")
    assert longest < LONGEST_LAG_SECONDS


def test_a_worker_can_be_ended_while_redis_is_frozen(fleet: FaultyFleet):
    fleet.start_workers(*MODEST, "-s", "SHUTDOWN_SECONDS=1")
    fleet.start_crawl_of_site()
    wait_until(fleet.every_worker_has_leases)
    os.kill(fleet.redis.pid, signal.SIGSTOP)
    fleet.site.open()  # pages are read, and their images wait for their claims
    wait_until(lambda: "Redis is away, waiting" in fleet.log(0))
    leaver = fleet.workers[0]
    leaver.terminate()
    since = time.monotonic()
    leaver.communicate(timeout=DEADLINE_SECONDS)
    assert time.monotonic() - since < 30  # SHUTDOWN_SECONDS, ten for the farewell, and the end of its processes
    os.kill(fleet.redis.pid, signal.SIGCONT)
    assert leaver.returncode == 130
    assert "what this worker held is given out again" in fleet.log(0)
    outcome = fleet.finish("a worker ends while Redis is frozen")
    assert outcome.missing == 0, outcome
    fleet.assert_books_balance()
