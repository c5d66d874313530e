"""One worker of several is told to end."""

from __future__ import annotations

from tests.system.faults.faulty_fleet import MODEST, FaultyFleet
from tests.system.fleet import FRONTIER
from tests.waiting import DEADLINE_SECONDS, wait_until


def test_a_worker_that_leaves_takes_nothing_with_it(fleet: FaultyFleet):
    fleet.environment["LEASE_SECONDS"] = "60"  # nobody is declared dead
    fleet.start_workers(*MODEST)
    fleet.start_crawl_of_site()
    leaver = fleet.workers[0]
    wait_until(fleet.every_worker_has_leases)
    leaver.terminate()
    wait_until(lambda: "Received SIGTERM" in fleet.log(0))
    fleet.site.hold_at(fleet.site.share(0.5))  # what is in flight may end
    leaver.communicate(timeout=DEADLINE_SECONDS)
    assert leaver.returncode == 130
    assert "has left the fleet" in fleet.log(0)
    assert fleet.redis.ask("EXISTS", f"{FRONTIER}:seen:default", f"{FRONTIER}:payloads") == ":2"
    fields = fleet.fields("default")
    assert fields["state"] == "running"
    assert "retried" not in fields  # nothing counts as an attempt
    outcome = fleet.finish("one of the workers leaves (SIGTERM)")
    assert outcome.missing == 0, outcome
    fleet.assert_books_balance()
    assert fleet.frontier_is_empty()
