"""What a probe tells of real servers, well and unwell."""

from __future__ import annotations

import socket
import time

from image_spider.catalog.pool.address import Address, parse_url
from image_spider.catalog.pool.node import Node
from image_spider.catalog.pool.probe import probe
from tests.postgres import PostgresPair, PostgresServer
from tests.servers import free_port
from tests.waiting import wait_until


def ask(url: str) -> Node:
    cluster = parse_url(url)
    (address,) = cluster.addresses
    return probe(address, cluster.parameters)


def test_a_primary_its_standby_and_the_timeline_after_a_promotion(pair: PostgresPair):
    primary, standby = ask(pair.primary.url), ask(pair.standby.url)
    assert (primary.state, primary.role, primary.writable, primary.timeline) == ("running", "primary", True, 1)
    assert (standby.state, standby.role, standby.writable, standby.timeline) == ("running", "standby", False, 1)
    assert primary.system_identifier == standby.system_identifier
    assert primary.system_identifier
    assert (primary.lag_seconds, primary.lag_bytes) == (None, None)
    assert primary.server_version
    assert primary.connect_seconds
    wait_until(lambda: ask(pair.standby.url).lag_seconds == 0)
    assert ask(pair.standby.url).lsn == ask(pair.primary.url).lsn
    pair.primary.kill()
    pair.promote()
    promoted = ask(pair.standby.url)
    assert (promoted.role, promoted.writable, promoted.timeline) == ("primary", True, 2)
    assert promoted.system_identifier == primary.system_identifier


def test_a_standby_that_receives_nothing_any_more_falls_behind(pair: PostgresPair):
    pair.primary.ask("create table seen (id int)")
    pair.primary.kill()
    wait_until(lambda: (ask(pair.standby.url).lag_seconds or 0) > 0.2)


def test_a_user_without_rights_may_probe(pair: PostgresPair):
    pair.primary.ask("create role reader login")
    for server in (pair.primary, pair.standby):
        url = server.url.replace("postgres@", "reader@")
        assert wait_until(lambda url=url: (node := ask(url)).state == "running" and node).timeline == 1


def test_a_primary_that_is_set_read_only_is_not_writable(pair: PostgresPair):
    pair.primary.ask("alter system set default_transaction_read_only = on")
    pair.primary.reload()
    wait_until(lambda: not ask(pair.primary.url).writable)
    assert ask(pair.primary.url).role == "primary"


def test_nobody_listens():
    node = ask(f"postgresql://postgres@127.0.0.1:{free_port()}/postgres")
    assert (node.state, node.role, node.writable) == ("unreachable", None, False)
    assert "refused" in node.last_error


def test_a_server_that_accepts_and_says_nothing_is_given_up_soon():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        started = time.monotonic()
        node = probe(Address("127.0.0.1", silent.getsockname()[1]), {"user": "postgres"})
    assert node.state == "unreachable"
    assert "timeout" in node.last_error
    assert time.monotonic() - started < 5


def test_a_database_that_is_not_there_is_a_refusal(postgres: PostgresServer):
    node = ask(postgres.url.removesuffix("postgres") + "nothing")
    assert (node.state, node.role) == ("refused", None)
    assert 'database "nothing" does not exist' in node.last_error
