"""Servers that keep their connections and say nothing: no time-out of TCP or of PostgreSQL ends that."""

from __future__ import annotations

import os
import time

from tests.postgres import PostgresPair
from tests.system.catalog_faults.writers import Writers, urls
from tests.tcp_proxy import ProxyThread, TcpProxy
from tests.waiting import wait_until

FROZEN_SECONDS = 60.0 if os.environ.get("IMAGE_SPIDER_FAULTS") == "full" else 5.0


def test_the_old_primary_that_thaws_has_no_row_of_its_own(pair: PostgresPair):
    with Writers(pair.url) as writers:
        writers.go_on()
        pair.primary.freeze()
        frozen = time.monotonic()
        pair.promote()
        writers.go_on()
        wait_until(lambda: time.monotonic() > frozen + FROZEN_SECONDS, seconds=2 * FROZEN_SECONDS)
        pair.primary.thaw()
        writers.go_on(100)
        writers.assert_kept(pair.standby, f"primary frozen for {FROZEN_SECONDS:.0f} s, standby promoted")
        # What the frozen one had taken in and nobody was told may be there; nothing after it thawed.
        assert len(set(urls(pair.primary)) - set(urls(pair.standby))) <= 15


def test_a_primary_that_thaws_before_anybody_is_promoted_is_written_to_again(pair: PostgresPair):
    with Writers(pair.url, statement_seconds=1.0) as writers:
        writers.go_on()
        pair.primary.freeze()
        frozen = time.monotonic()
        wait_until(lambda: time.monotonic() > frozen + FROZEN_SECONDS, seconds=2 * FROZEN_SECONDS)
        pair.primary.thaw()
        writers.go_on()
        writers.assert_kept(pair.primary, f"primary frozen for {FROZEN_SECONDS:.0f} s, nobody promoted")


def test_connections_that_are_half_open_are_left(pair: PostgresPair):
    proxies = [ProxyThread(target=server.port) for server in (pair.primary, pair.standby)]
    first, second = proxies
    try:
        with Writers(f"postgresql://postgres@127.0.0.1:{first.port},127.0.0.1:{second.port}/postgres") as writers:
            writers.go_on()
            first.do(TcpProxy.stall)
            pair.primary.freeze("walsender")  # the cut is between the servers as well
            pair.promote()
            writers.go_on()
            first.do(TcpProxy.resume)
            writers.go_on(100)
            writers.assert_kept(pair.standby, "network to the primary silent")
    finally:
        for proxy in proxies:
            proxy.close()


def test_a_network_that_cuts_every_connection_again_and_again(pair: PostgresPair):
    proxy = ProxyThread(target=pair.primary.port)
    try:
        with Writers(f"postgresql://postgres@127.0.0.1:{proxy.port}/postgres") as writers:
            for _ in range(5):
                writers.go_on(5)
                proxy.do(TcpProxy.cut)
            writers.go_on()
            writers.assert_kept(pair.primary, "every connection cut, five times")
    finally:
        proxy.close()
