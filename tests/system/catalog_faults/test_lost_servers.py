"""The primary or its standby dies, by force or in order."""

from __future__ import annotations

import math
import os
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from image_spider.catalog.catalog import Catalog
from tests.postgres import PostgresPair
from tests.servers import running
from tests.system.catalog_faults.writers import Writers, urls
from tests.waiting import wait_until

SILENCE_SECONDS = 0.3
PATRONI_SECONDS = 18.7 if os.environ.get("IMAGE_SPIDER_FAULTS") == "full" else 11.0  # measured: a node is lost


def test_nothing_is_lost_when_the_primary_is_killed_and_its_standby_promoted(pair: PostgresPair):
    with Writers(pair.url) as writers:
        writers.go_on()
        pair.primary.kill()
        pair.promote()
        writers.go_on()
        writers.assert_kept(pair.standby, "kill -9 of the primary")


def test_nothing_is_lost_when_the_last_moments_did_not_reach_the_standby(pair: PostgresPair):
    with Writers(pair.url) as writers:
        writers.go_on()
        pair.primary.freeze("walsender")
        wait_until(lambda: writers.silent_seconds > SILENCE_SECONDS)
        pair.primary.kill()
        pair.promote()
        writers.go_on()
        writers.assert_kept(pair.standby, "walsender stopped, then kill -9 of the primary")


def test_the_same_kill_loses_rows_without_a_synchronous_standby(tmp_path_factory: pytest.TempPathFactory):
    with (
        running(PostgresPair(tmp_path_factory.mktemp("pair"), synchronous=False)) as pair,
        Writers(pair.url) as writers,
    ):
        writers.go_on()
        pair.primary.freeze("walsender")
        writers.go_on()
        pair.primary.kill()
        pair.promote()
        writers.go_on()
        writers.finish()
        lost = {url for _, url in writers.acknowledged} - set(urls(pair.standby))
        print(f"\nthe same with an asynchronous standby: {len(lost)} acknowledged rows lost")
        assert lost, "the test above would pass by luck"


def test_nothing_is_lost_in_a_switchover(pair: PostgresPair):
    with Writers(pair.url) as writers:
        writers.go_on()
        pair.primary.stop("fast")
        pair.promote()
        writers.go_on()
        writers.assert_kept(pair.standby, "switchover")


def test_a_restart_of_the_primary_is_waited_for(pair: PostgresPair):
    with Writers(pair.url) as writers:
        writers.go_on()
        pair.primary.kill()
        pair.primary.start()
        writers.go_on()
        writers.assert_kept(pair.primary, "kill -9 and restart of the primary")


def test_writes_go_on_without_the_standby_when_the_primary_may_do_so(pair: PostgresPair):
    with Writers(pair.url) as writers:
        writers.go_on()
        pair.standby.kill()
        wait_until(lambda: writers.silent_seconds > SILENCE_SECONDS)
        pair.go_on_alone(pair.primary)
        writers.go_on()
        writers.assert_kept(pair.primary, "standby lost")


def test_both_servers_are_lost_and_one_comes_back(pair: PostgresPair):
    with Writers(pair.url) as writers:
        writers.go_on()
        pair.standby.kill()
        pair.primary.kill()
        wait_until(lambda: writers.silent_seconds > SILENCE_SECONDS)
        pair.primary.start()
        pair.go_on_alone(pair.primary)
        writers.go_on()
        writers.assert_kept(pair.primary, "both lost, the primary back")


def test_who_starts_while_there_is_no_primary_waits_as_long_as_patroni_takes(pair: PostgresPair):
    with Catalog(pair.url, retry_seconds=math.inf) as catalog:
        catalog.upgrade()
    pair.primary.kill()
    with Catalog(pair.url, retry_seconds=math.inf) as catalog, ThreadPoolExecutor(1) as threads:
        opened = threads.submit(catalog.open)
        started = time.monotonic()
        wait_until(lambda: opened.done() or time.monotonic() > started + PATRONI_SECONDS)
        pair.promote()
        opened.result()
        assert catalog.pool
        assert catalog.pool.primary().port == pair.standby.port
