"""Redis is killed and started again.

The append-only file is synced before each answer (`appendfsync always`): what a worker was told, Redis knows after the
restart. With `everysec` Redis may answer while the file waits up to two seconds for the disk, which is the failover of
test_failover.py: a shorter history.
"""

from __future__ import annotations

from tests.system.faults.faulty_fleet import FaultyFleet
from tests.system.faults.scale import SCALE


def test_no_page_and_no_image_is_lost_when_redis_is_killed_and_restarted(fleet: FaultyFleet):
    fleet.start_workers()
    fleet.start_crawl_of_site()
    for _ in fleet.gates(SCALE.redis_kills):
        fleet.redis.kill()
        fleet.redis.start()
    outcome = fleet.finish(f"Redis kill -9 and restart, {SCALE.redis_kills} times")
    assert outcome.missing == 0, outcome
    fleet.assert_books_balance()
    assert fleet.frontier_is_empty()
