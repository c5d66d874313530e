"""A Cluster of three primaries, each of which is killed and started again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.redis_servers import Cluster, RedisServer
from tests.system.faults.faulty_fleet import FaultyFleet
from tests.system.faults.site import GatedSite
from tests.system.fleet import FRONTIER


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    cluster = Cluster(tmp_path / "cluster")
    cluster.start()
    for node in cluster.nodes:
        node.ask("CONFIG", "SET", "appendfsync", "always")
    yield cluster
    cluster.stop()


@pytest.fixture
def fleet(gated_site: GatedSite, cluster: Cluster, tmp_path: Path) -> Iterator[FaultyFleet]:
    with FaultyFleet(tmp_path, gated_site, home(cluster, FRONTIER)) as fleet:
        fleet.environment["REDIS_URL"] = cluster.url
        yield fleet


def home(cluster: Cluster, key: str) -> RedisServer:
    """Return the node that has a key's slot."""
    [node] = [node for node in cluster.nodes if not node.ask("TYPE", key).startswith("-MOVED")]
    return node


def test_no_page_and_no_image_is_lost_when_each_node_of_a_cluster_is_restarted(fleet: FaultyFleet, cluster: Cluster):
    fleet.start_workers()
    fleet.site.hold_at(fleet.site.share(0.1))
    home(cluster, "images:start_urls").ask("LPUSH", "images:start_urls", f"{fleet.site.url}/")
    fleet.wait_for_gate()
    for gate in fleet.gates(len(cluster.nodes)):
        cluster.nodes[gate - 1].kill()
        cluster.nodes[gate - 1].start()
    outcome = fleet.finish("3-master Cluster, each node kill -9 and restart")
    assert outcome.missing == 0, outcome
    fleet.assert_books_balance()
    assert fleet.frontier_is_empty()
