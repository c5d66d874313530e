"""Which server is written to."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest

from image_spider.catalog.pool.address import Address
from image_spider.catalog.pool.choice import choose_primary, with_lag
from image_spider.catalog.pool.node import Node


def node(host: str, **known: Any) -> Node:
    return Node(**({"host": host, "port": 1, "state": "running", "system_identifier": "7", "timeline": 3} | known))


def primary(host: str, timeline: int = 3, **known: Any) -> Node:
    return node(host, role="primary", writable=True, timeline=timeline, **known)


STANDBY = node("s", role="standby", lsn=100)
READ_ONLY = node("r", role="primary")
AWAY = Node(host="x", port=1, state="unreachable", last_error="timeout expired")
STARTING = Node(host="y", port=1, state="starting", last_error="the database system is starting up")
REFUSED = Node(host="z", port=1, state="refused", last_error="password authentication failed")


@pytest.mark.parametrize(
    ("nodes", "given", "host"),
    [
        ([primary("a"), STANDBY], {}, "a"),
        ([STANDBY, primary("b")], {}, "b"),
        ([AWAY, primary("b", 4)], {"timeline": 3}, "b"),
        ([primary("a"), REFUSED], {}, "a"),
        ([primary("a"), READ_ONLY], {}, "a"),
        # two that take writes: Patroni's word, then the timeline
        ([primary("a"), primary("b", 4)], {}, "b"),
        ([primary("a"), primary("b", 4)], {"lock_holder": Address("a", 1)}, "a"),
        ([primary("a"), primary("b")], {"lock_holder": Address("b", 1)}, "b"),
        # a lock holder that DATABASE_URL does not name tells nothing
        ([primary("a"), STANDBY], {"lock_holder": Address("other", 1)}, "a"),
        # a server from before PostgreSQL told its identity
        ([primary("a", system_identifier=None), STANDBY], {}, "a"),
    ],
)
def test_the_primary(nodes: list[Node], given: dict[str, Any], host: str):
    choice = choose_primary(nodes, **given)
    assert choice.primary
    assert choice.primary.host == host
    assert bool(choice.alarm) == (sum(node.writable for node in nodes) > 1)


@pytest.mark.parametrize(
    ("nodes", "given", "reason"),
    [
        ([STANDBY, AWAY], {}, r"s:1 is a standby; x:1 is unreachable \(timeout expired\)"),
        ([STARTING, READ_ONLY], {}, r"y:1 is starting \(.* starting up\); r:1 is read-only"),
        ([], {}, "no server answers"),
        ([primary("a", 3), AWAY], {"timeline": 4}, "a:1 .* has missed a promotion"),
        ([primary("a"), STANDBY], {"lock_holder": Address("s", 1)}, "s:1 holds Patroni's lock and takes no writes yet"),
    ],
)
def test_nobody_is_the_primary_and_waiting_may_help(nodes: list[Node], given: dict[str, Any], reason: str):
    choice = choose_primary(nodes, **given)
    assert choice.primary is None
    assert not choice.conflict
    assert not choice.refused
    assert re.search(reason, choice.reason)


@pytest.mark.parametrize(
    ("nodes", "given"),
    [
        ([primary("a"), primary("b")], {}),
        ([primary("a"), primary("b"), primary("c", 2)], {}),
        ([primary("a"), primary("b", system_identifier="8")], {}),
        ([primary("a"), node("s", role="standby", system_identifier="8")], {}),
        ([primary("a")], {"system_identifier": "8"}),
        ([primary("a"), primary("b", system_identifier="8")], {"lock_holder": Address("a", 1)}),
    ],
)
def test_servers_that_contradict_each_other_are_not_written_to(nodes: list[Node], given: dict[str, Any]):
    choice = choose_primary(nodes, **given)
    assert choice.primary is None
    assert choice.conflict
    assert choice.alarm


@pytest.mark.parametrize(
    ("nodes", "given", "refused"),
    [
        ([REFUSED], {}, True),
        ([REFUSED, replace(REFUSED, host="x")], {}, True),
        ([REFUSED, AWAY], {"last": REFUSED.address}, True),
        ([REFUSED, AWAY], {"lock_holder": REFUSED.address}, True),
        # the primary is away, and its standby has another pg_hba.conf
        ([REFUSED, AWAY], {}, False),
        ([REFUSED, AWAY], {"last": AWAY.address}, False),
        ([REFUSED, AWAY], {"last": REFUSED.address, "lock_holder": AWAY.address}, False),
        ([REFUSED, STANDBY], {"last": REFUSED.address}, False),  # may be promoted
        ([REFUSED, STARTING], {"last": REFUSED.address}, False),
        ([AWAY], {"last": AWAY.address}, False),
    ],
)
def test_a_wrong_password_is_told_from_an_outage(nodes: list[Node], given: dict[str, Any], refused: bool):
    assert choose_primary(nodes, **given).refused is refused


def test_the_lag_of_a_standby_is_counted_from_the_primary():
    leader = primary("a", lsn=300)
    nodes = [leader, STANDBY, node("t", role="standby", lsn=400), AWAY]
    assert [node.lag_bytes for node in with_lag(nodes, leader)] == [None, 200, 0, None]
    assert with_lag(nodes, None) == tuple(nodes)
