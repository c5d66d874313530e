"""The network between the workers and Redis cuts connections, stalls, and loses replies."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.system.faults.faulty_fleet import MODEST, FaultyFleet
from tests.system.faults.scale import SCALE
from tests.tcp_proxy import ProxyThread, TcpProxy
from tests.waiting import wait_until

UNHURRIED = {"LEASE_SECONDS": "60"}  # nobody is declared dead: nothing has to be done twice


@pytest.fixture
def proxy(fleet: FaultyFleet) -> Iterator[ProxyThread]:
    proxy = ProxyThread(target=fleet.redis.port)
    yield proxy
    proxy.close()


def through(proxy: ProxyThread) -> dict[str, str]:
    return {"REDIS_URL": f"redis://127.0.0.1:{proxy.port}/0"}


def test_nothing_is_lost_when_connections_are_cut(fleet: FaultyFleet, proxy: ProxyThread):
    fleet.environment |= through(proxy) | UNHURRIED
    fleet.start_workers()
    fleet.start_crawl_of_site()
    for _ in fleet.gates(SCALE.kills):
        proxy.do(TcpProxy.cut)
    outcome = fleet.finish(f"all connections cut, {SCALE.kills} times")
    assert outcome.missing == 0, outcome
    assert outcome.repeated_pages == outcome.repeated_images == 0
    fleet.assert_books_balance()


def test_nothing_is_lost_or_done_twice_when_replies_are_lost(fleet: FaultyFleet, proxy: ProxyThread):
    fleet.environment |= through(proxy) | UNHURRIED
    fleet.start_workers()
    fleet.start_crawl_of_site()
    for _ in fleet.gates(SCALE.kills):
        proxy.do(TcpProxy.drop_replies)
        fleet.site.hold_at(fleet.site.answered + SCALE.workers)  # there is something to tell
        wait_until(lambda: proxy.dropped >= SCALE.workers, what="replies that are lost")
        proxy.do(TcpProxy.cut_unanswered)
    outcome = fleet.finish(f"replies of Redis lost, {SCALE.kills} times")
    assert outcome.missing == 0, outcome
    assert outcome.repeated_pages == outcome.repeated_images == 0
    fleet.assert_books_balance()


def test_a_worker_whose_connection_stalls_loses_its_leases_to_others_and_harms_nothing(
    fleet: FaultyFleet, proxy: ProxyThread
):
    fleet.launch_worker(*MODEST, **through(proxy))
    for _ in range(SCALE.workers - 1):
        fleet.launch_worker(*MODEST)
    fleet.wait_for_joined()
    fleet.start_crawl_of_site()
    wait_until(fleet.every_worker_has_leases)
    proxy.do(TcpProxy.stall)
    wait_until(lambda: "of a worker that died" in "".join(map(fleet.log, range(1, SCALE.workers))))
    fleet.site.hold_at(fleet.site.share(0.5))  # it finishes what it had, and so do others
    fleet.wait_for_gate()
    proxy.do(TcpProxy.resume)
    wait_until(lambda: "lost its leases to others" in fleet.log(0))
    outcome = fleet.finish("connection of one worker stalled past its lease")
    assert outcome.missing == 0, outcome
    fleet.assert_books_balance()
    assert fleet.frontier_is_empty()
