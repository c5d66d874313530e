"""Servers that end sessions, contradict each other or refuse the password."""

from __future__ import annotations

import logging
import os
import re
import time

import pytest

from image_spider.catalog.pool.monitor import STEADY_SECONDS
from image_spider.catalog.pool.survey import LOOK_SECONDS
from image_spider.exceptions import CatalogRefused
from tests.postgres import PostgresPair
from tests.servers import running
from tests.system.catalog_faults.writers import Writers, urls
from tests.waiting import wait_until

STORM_SECONDS = 30 if os.environ.get("IMAGE_SPIDER_FAULTS") == "full" else 5
TERMINATE = """
select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid() and backend_type = 'client backend'
"""
SILENCE_SECONDS = 4.0  # longer than a look at all servers
MOST_REFUSALS = 20  # connections with a wrong password: those that were being made, and a few probes


def test_all_sessions_are_ended_every_second(pair: PostgresPair):
    with Writers(pair.url) as writers:
        writers.go_on()
        for _ in range(STORM_SECONDS):
            before = time.monotonic()
            pair.primary.ask(TERMINATE)
            wait_until(lambda before=before: time.monotonic() > before + 1)
        writers.go_on()
        writers.assert_kept(pair.primary, f"all sessions ended every second for {STORM_SECONDS} s")


def test_of_two_primaries_the_newer_one_is_written_to_and_people_are_told(
    pair: PostgresPair, caplog: pytest.LogCaptureFixture
):
    with Writers(pair.url) as writers:
        writers.go_on()
        pair.promote()  # nobody has ended the old one: it still says that it takes writes
        writers.go_on(100)
        wait_until(lambda: "several servers take writes" in caplog.text, seconds=STEADY_SECONDS / 2)
        writers.assert_kept(pair.standby, "two primaries at once")
    alarms = [record for record in caplog.records if "several servers take writes" in record.message]
    assert {record.levelno for record in alarms} == {logging.ERROR}


def test_an_old_primary_that_still_acknowledges_is_left_at_the_next_look(
    tmp_path_factory: pytest.TempPathFactory, caplog: pytest.LogCaptureFixture
):
    with (
        running(PostgresPair(tmp_path_factory.mktemp("pair"), synchronous=False)) as pair,
        Writers(pair.url) as writers,
    ):
        writers.go_on()
        pair.promote()  # the old one waits for nobody, and nothing has gone wrong for the writers
        count = "select count(*) from sightings"
        before = pair.standby.ask(count)
        wait_until(lambda: pair.standby.ask(count) > before)
        writers.go_on()
        left = set(urls(pair.primary))
        writers.go_on(100)
        wait_until(lambda: "several servers take writes" in caplog.text, seconds=STEADY_SECONDS / 2)
        writers.finish()
        kept = set(urls(pair.standby))
        lost = [moment for moment, url in writers.acknowledged if url not in kept]
        seconds = max(lost) - pair.promoted_at
        print(f"\nold primary that acknowledges: written to for {seconds:.1f} s, {len(lost)} rows on it alone")
        assert set(urls(pair.primary)) == left
        assert seconds < STEADY_SECONDS + LOOK_SECONDS
        assert seconds > 0, "it acknowledged nothing: the test would pass by luck"
        assert not writers.errors


def test_a_changed_password_is_a_clear_error_and_no_storm(pair: PostgresPair):
    pair.primary.ask("create role crawler login superuser password 'old'")
    for server in (pair.primary, pair.standby):
        server.demand_passwords("crawler")
    url = pair.url.replace("postgres@", "crawler:old@")
    with Writers(url) as writers:
        writers.go_on()
        pair.primary.ask("alter role crawler password 'new'")
        pair.primary.ask(TERMINATE)
        changed = time.monotonic()
        wait_until(lambda: len(writers.errors) == 3)
        assert time.monotonic() - changed < 15
        writers.finish()
    assert {type(error) for error in writers.errors} == {CatalogRefused}
    assert "password authentication failed" in str(writers.errors[0])
    assert "old" not in re.sub(r"thres?hold", "", str(writers.errors[0]))
    refusals = sum(server.log().count("password authentication failed") for server in (pair.primary, pair.standby))
    print(f"\npassword changed: told after {time.monotonic() - changed:.1f} s, {refusals} connections refused")
    assert refusals < MOST_REFUSALS


def test_a_standby_that_refuses_us_does_not_end_the_work_while_the_primary_restarts(pair: PostgresPair):
    pair.primary.ask("create role crawler login superuser password 'old'")
    pair.standby.demand_passwords("crawler")
    with Writers(pair.url.replace("postgres@", "crawler:wrong@")) as writers:
        writers.go_on()
        pair.primary.kill()
        wait_until(lambda: writers.silent_seconds > SILENCE_SECONDS)
        pair.primary.start()
        writers.go_on()
        writers.assert_kept(pair.primary, "primary restarted, its standby refusing the password")
