"""Redis has no memory left and refuses to write."""

from __future__ import annotations

import time

from tests.system.faults.faulty_fleet import FaultyFleet
from tests.waiting import wait_until

FULL = "Redis is full: raise its maxmemory"
QUIET_SECONDS = 1.5


def test_a_full_redis_pauses_the_crawl_which_says_so_and_goes_on_when_there_is_room(fleet: FaultyFleet):
    fleet.environment["LEASE_SECONDS"] = "60"  # nobody is declared dead: nothing has to be done twice
    fleet.start_workers()
    fleet.start_crawl_of_site()
    assert fleet.redis.ask("CONFIG", "SET", "maxmemory", 1) == "+OK"
    fleet.site.open()
    wait_until(lambda: any(times_said(fleet)))
    wait_until(lambda: quiet(fleet))
    assert len(fleet.site.asked()) < len(fleet.site.all_pages) + len(fleet.site.all_images)
    assert fleet.state("default") == "running"
    assert fleet.redis.ask("CONFIG", "SET", "maxmemory", 0) == "+OK"
    outcome = fleet.finish("Redis full (noeviction), then given room")
    assert outcome.missing == 0, outcome
    assert outcome.repeated_pages == outcome.repeated_images == 0
    assert all(worker.poll() is None for worker in fleet.workers)
    assert max(times_said(fleet)) == 1  # however many calls were refused
    fleet.assert_books_balance()


def times_said(fleet: FaultyFleet) -> list[int]:
    return [fleet.log(number).count(FULL) for number in range(len(fleet.workers))]


def quiet(fleet: FaultyFleet) -> bool:
    """Tell whether no request came for a while."""
    asked, until = len(fleet.site.requests), time.monotonic() + QUIET_SECONDS
    wait_until(lambda: time.monotonic() > until or len(fleet.site.requests) > asked)
    return len(fleet.site.requests) == asked
