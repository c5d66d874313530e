"""The primary is killed and Sentinel promotes its replica, which may have missed the last moments."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.redis_servers import RedisServer, Sentinels
from tests.system.faults.faulty_fleet import FaultyFleet
from tests.system.faults.site import GatedSite
from tests.waiting import wait_until


@pytest.fixture
def sentinels(tmp_path: Path) -> Iterator[Sentinels]:
    servers = Sentinels(tmp_path / "sentinels")
    servers.start()
    yield servers
    servers.stop()


@pytest.fixture
def fleet(gated_site: GatedSite, sentinels: Sentinels, tmp_path: Path) -> Iterator[FaultyFleet]:
    with FaultyFleet(tmp_path, gated_site, sentinels.primary) as fleet:
        fleet.environment["REDIS_URL"] = sentinels.url
        yield fleet


def fail_over(fleet: FaultyFleet, sentinels: Sentinels) -> None:
    sentinels.primary.kill()
    wait_until(lambda: is_primary(sentinels.replica))
    fleet.redis = sentinels.replica


def is_primary(server: RedisServer) -> bool:
    return "role:master" in server.ask("INFO", "replication")


def test_nothing_is_lost_when_a_replica_is_promoted(fleet: FaultyFleet, sentinels: Sentinels):
    fleet.start_workers()
    fleet.start_crawl_of_site()
    fail_over(fleet, sentinels)
    outcome = fleet.finish("Sentinel failover")
    assert outcome.missing == 0, outcome
    fleet.assert_books_balance()


def test_nothing_is_lost_when_the_promoted_replica_has_missed_the_last_moments(
    fleet: FaultyFleet, sentinels: Sentinels
):
    fleet.start_workers()
    fleet.start_crawl_of_site()
    assert sentinels.replica.ask("REPLICAOF", "NO", "ONE") == "+OK"  # from here on the primary writes alone
    fleet.site.hold_at(fleet.site.share(0.5))
    fleet.wait_for_gate()
    fail_over(fleet, sentinels)
    outcome = fleet.finish("Sentinel failover, the replica some moments behind")
    assert outcome.missing == 0, outcome
    # The shorter history is whole: every page was queued in it once, and finished.
    assert fleet.fields("default")["queued"] == str(len(fleet.site.all_pages))
    fleet.assert_books_balance()
    assert fleet.frontier_is_empty()
