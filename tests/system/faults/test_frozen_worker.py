"""A worker is frozen until others have its work, and wakes up."""

from __future__ import annotations

import signal

from tests.system.faults.faulty_fleet import MODEST, FaultyFleet
from tests.system.faults.scale import SCALE
from tests.system.fleet import FRONTIER
from tests.waiting import wait_until


def test_the_late_finish_of_a_worker_that_wakes_up_releases_nothing(fleet: FaultyFleet):
    fleet.start_workers(*MODEST)
    fleet.start_crawl_of_site()
    wait_until(fleet.every_worker_has_leases)
    sleeper = fleet.workers[0]
    name = fleet.name_of(0)
    sleeper.send_signal(signal.SIGSTOP)
    fleet.site.hold_at(fleet.site.share(0.15))  # answers that it finds when it wakes up
    wait_until(lambda: "of a worker that died" in "".join(map(fleet.log, range(1, SCALE.workers))))
    sleeper.send_signal(signal.SIGCONT)
    wait_until(lambda: "lost its leases to others" in fleet.log(0))
    fleet.wait_for_gate()
    # What it finished under its old name was refused: its requests are done again, by others or by itself.
    assert fleet.redis.ask("HLEN", f"{FRONTIER}:leases:{name}") == ":0"
    assert int(fleet.fields("default")["outstanding"]) > 0
    outcome = fleet.finish("a worker SIGSTOPped past its lease, then woken")
    assert outcome.missing == 0, outcome
    assert outcome.repeated_pages > 0
    fleet.assert_books_balance()
    assert fleet.frontier_is_empty()
