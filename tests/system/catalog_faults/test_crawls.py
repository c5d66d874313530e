"""Crawls whose catalog loses its primary: they pause, say so once, lose nothing, and end by themselves."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import psycopg2
import pytest

from tests.postgres import PostgresPair, PostgresServer
from tests.project import Project
from tests.servers import running
from tests.small_disk import SmallDisk
from tests.system.catalog_faults.test_hostile_servers import TERMINATE
from tests.system.faults.site import GatedSite
from tests.system.fleet import Fleet
from tests.tcp_proxy import ProxyThread, TcpProxy
from tests.waiting import wait_until

PAGES = 400
LEASE_SECONDS = 3
MODEST = ("-s", "HOST_CONCURRENCY=1000", "-s", "CONCURRENT_REQUESTS=4")
PAUSED, RESUMED = "Fetching pauses until the catalog is back", "The catalog is back"


@pytest.fixture
def gated_site() -> Iterator[GatedSite]:
    with GatedSite(PAGES) as site:
        yield site


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    with Fleet(tmp_path) as fleet:
        fleet.environment["LEASE_SECONDS"] = str(LEASE_SECONDS)
        yield fleet


def prepare(project: Project, pair: PostgresPair) -> None:
    project.environment["DATABASE_URL"] = pair.url
    done = project.run("catalog", "upgrade")
    assert done.returncode == 0, done.stderr


def select(server: PostgresServer, query: str) -> list[tuple[str, ...]]:
    with closing(psycopg2.connect(server.url)) as connection, connection.cursor() as cursor:
        cursor.execute(query)
        return cursor.fetchall()


def assert_complete(site: GatedSite, server: PostgresServer) -> None:
    assert set(select(server, "select page_url, image_url from sightings")) == site.all_sightings
    assert select(server, "select * from failures") == []
    assert select(server, "select state, reason from crawls") == [("completed", "finished")]
    assert site.asked().keys() == site.all_pages | site.all_images


def test_a_local_crawl_outlives_its_primary(project: Project, gated_site: GatedSite, pair: PostgresPair):
    prepare(project, pair)
    gated_site.hold_at(gated_site.share(0.2))
    crawl = project.start_crawl(gated_site.url, *MODEST)
    wait_until(lambda: gated_site.holds)
    pair.primary.kill()
    gated_site.open()
    pair.promote()
    _, log = crawl.communicate(timeout=60)
    assert crawl.returncode == 0, log
    assert log.count(PAUSED) == log.count(RESUMED) <= 1
    assert_complete(gated_site, pair.standby)
    assert gated_site.asked().total() == len(gated_site.all_pages) + len(gated_site.all_images)


def primary_frozen(pair: PostgresPair, _: ProxyThread) -> PostgresServer:
    pair.primary.freeze()
    pair.promote()
    return pair.standby


def network_silent(pair: PostgresPair, proxy: ProxyThread) -> PostgresServer:
    proxy.do(TcpProxy.stall)
    pair.primary.freeze("walsender")
    pair.promote()
    return pair.standby


def sessions_ended(pair: PostgresPair, _: ProxyThread) -> PostgresServer:
    for _ in range(3):
        pair.primary.ask(TERMINATE)
    return pair.primary


@pytest.mark.parametrize("strike", [primary_frozen, network_silent, sessions_ended])
def test_a_local_crawl_goes_through_a_fault_to_its_end(
    project: Project,
    gated_site: GatedSite,
    pair: PostgresPair,
    strike: Callable[[PostgresPair, ProxyThread], PostgresServer],
):
    proxy = ProxyThread(target=pair.primary.port)
    try:
        prepare(project, pair)
        url = f"postgresql://postgres@127.0.0.1:{proxy.port},127.0.0.1:{pair.standby.port}/postgres"
        project.environment["DATABASE_URL"] = url
        gated_site.hold_at(gated_site.share(0.2))
        crawl = project.start_crawl(gated_site.url, *MODEST)
        wait_until(lambda: gated_site.holds)
        server = strike(pair, proxy)
        gated_site.open()
        _, log = crawl.communicate(timeout=90)
        assert crawl.returncode == 0, log
        assert_complete(gated_site, server)
        assert gated_site.asked().total() == len(gated_site.all_pages) + len(gated_site.all_images)
    finally:
        proxy.close()


def test_a_local_crawl_waits_for_room_on_the_disk(project: Project, tmp_path: Path):
    with running(SmallDisk(tmp_path / "disk", megabytes=160)) as disk, GatedSite(2 * PAGES) as site:
        server = PostgresServer(disk.folder, "max_wal_size=64MB", "min_wal_size=32MB", disk=disk)
        with running(server):
            project.environment["DATABASE_URL"] = server.url
            assert project.run("catalog", "upgrade").returncode == 0
            site.hold_at(site.share(0.1))
            crawl = project.start_crawl(site.url, *MODEST)
            wait_until(lambda: site.holds)
            disk.fill()
            site.open()
            assert wait_until(lambda: _steady(site)) < site.share(0.9)
            disk.free()
            if not server.runs:  # it had no room for its WAL either, which ends it
                server.start()
            _, log = crawl.communicate(timeout=90)
            assert crawl.returncode == 0, log
            assert_complete(site, server)


def test_a_local_crawl_stops_when_the_catalog_does_not_come_back(
    project: Project, gated_site: GatedSite, pair: PostgresPair
):
    prepare(project, pair)
    gated_site.hold_at(gated_site.share(0.2))
    crawl = project.start_crawl(gated_site.url, *MODEST, "-s", "CATALOG_RETRY_SECONDS=2")
    wait_until(lambda: gated_site.holds)
    pair.primary.kill()
    gated_site.open()
    _, log = crawl.communicate(timeout=60)
    assert crawl.returncode == 1
    assert "no server takes writes" in log
    assert (log.count(PAUSED), log.count(RESUMED)) == (1, 0)


def test_a_fleet_pauses_for_longer_than_a_lease_and_goes_on(fleet: Fleet, gated_site: GatedSite, pair: PostgresPair):
    prepare(fleet, pair)
    gated_site.hold_at(gated_site.share(0.2))
    for _ in range(2):
        fleet.launch_worker(*MODEST)
    fleet.wait_for_joined()
    fleet.push(f"{gated_site.url}/")
    wait_until(lambda: gated_site.holds)
    pair.primary.kill()
    gated_site.open()
    wait_until(lambda: any(PAUSED in fleet.log(worker) for worker in range(2)))  # the other may have nothing to do
    # what was under way when it paused is still fetched: pages in hand, and their images
    asked = wait_until(lambda: _steady(gated_site))
    paused = time.monotonic()
    wait_until(lambda: time.monotonic() > paused + 2 * LEASE_SECONDS)
    assert len(gated_site.requests) == asked < gated_site.share(0.9)
    pair.promote()
    promoted = time.monotonic()
    wait_until(lambda: any(RESUMED in fleet.log(worker) for worker in range(2)))
    print(f"\na fleet went on {time.monotonic() - promoted:.2f} s after the promotion")
    ended = "select state from crawls where finished_at is not null"
    assert wait_until(lambda: select(pair.standby, ended)) == [("completed",)]
    assert_complete(gated_site, pair.standby)
    for worker in range(2):
        assert fleet.log(worker).count(PAUSED) == fleet.log(worker).count(RESUMED) <= 1
        assert "lost its leases" not in fleet.log(worker)
    assert gated_site.asked().total() == len(gated_site.all_pages) + len(gated_site.all_images)


def _steady(site: GatedSite) -> int:
    """Return the number of requests when no new one has come for a second."""
    before, started = len(site.requests), time.monotonic()
    wait_until(lambda: time.monotonic() > started + 1)
    return before if len(site.requests) == before else 0


def test_a_worker_can_be_ended_while_the_catalog_is_away(fleet: Fleet, gated_site: GatedSite, pair: PostgresPair):
    prepare(fleet, pair)
    gated_site.hold_at(gated_site.share(0.2))
    worker = fleet.start_worker(*MODEST)
    fleet.push(f"{gated_site.url}/")
    wait_until(lambda: gated_site.holds)
    pair.primary.kill()
    gated_site.open()
    wait_until(lambda: PAUSED in fleet.log(0))
    started = time.monotonic()
    fleet.stop(worker, signal.SIGTERM)
    print(f"\na worker without a catalog ended within {time.monotonic() - started:.1f} s")
    assert time.monotonic() - started < 25
    pair.promote()
    fleet.launch_worker(*MODEST)
    ended = "select state from crawls where finished_at is not null"
    assert wait_until(lambda: select(pair.standby, ended)) == [("completed",)]
    assert_complete(gated_site, pair.standby)
