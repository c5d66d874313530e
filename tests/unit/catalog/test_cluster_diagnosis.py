"""What is said of a cluster, by what its servers told."""

from __future__ import annotations

import re
from typing import Any

import pytest

from image_spider.catalog.pool.node import Node
from image_spider.catalog.recovery.cluster import diagnose
from image_spider.catalog.recovery.finding import Finding
from image_spider.catalog.recovery.nodes import Look


def a_node(name: str, **changes: Any) -> Node:
    told: dict[str, Any] = {"state": "running", "timeline": 3, "system_identifier": "1", "lsn": 1000}
    return Node(host=name, port=5432, **told | changes)


PRIMARY = a_node("one", role="primary", writable=True)
STANDBY = a_node("two", role="standby", lag_bytes=0, lag_seconds=0.0)
GONE = a_node("two", state="unreachable", last_error="Connection refused", timeline=None, system_identifier=None)


def findings(*nodes: Node, streaming: bool = True, patroni: bool = False) -> list[Finding]:
    addresses = frozenset(node.address for node in nodes if streaming)
    return diagnose(Look(nodes=nodes, streaming=addresses), user="keeper", patroni=patroni)


def changed(node: Node, **changes: Any) -> Node:
    values = {name: getattr(node, name) for name in node.__slots__}
    return Node(**values | changes)


def test_nothing_is_said_of_a_primary_alone_or_with_a_standby_that_follows():
    assert findings(PRIMARY) == []
    assert findings(PRIMARY, STANDBY) == []
    assert findings(PRIMARY, changed(STANDBY, timeline=2)) == []  # it streams: its next checkpoint tells


@pytest.mark.parametrize(
    ("nodes", "problem", "step"),
    [
        ([GONE], "No server takes connections: two:5432 is unreachable", "Start Patroni"),
        (
            [changed(GONE, state="refused", last_error="password authentication failed")],
            "No server takes connections: .*password authentication failed",
            "mend user, password and database",
        ),
        (
            [STANDBY, changed(GONE, host="one")],
            "No server takes writes: two:5432 is a standby; one:5432 is unreachable",
            "Promote two:5432, which has the most .* pg_ctl promote",
        ),
        ([changed(PRIMARY, writable=False)], "one:5432 is read-only", "reset default_transaction_read_only"),
        (
            [PRIMARY, changed(PRIMARY, host="two", timeline=4)],
            r"2 servers take writes: two:5432 \(timeline 4\), one:5432 \(timeline 3\)\. Writes go to two:5432, unless",
            "On one, as the user who runs PostgreSQL.*pg_rewind .*host=two port=5432 user=keeper.*pg_basebackup -h two",
        ),
        (
            [PRIMARY, changed(PRIMARY, host="two")],
            "2 servers take writes: .* Nobody writes until",
            "Nothing tells which one is right",
        ),
        ([PRIMARY, changed(STANDBY, system_identifier="2")], "different clusters", "Take the others out"),
        ([PRIMARY, GONE], "two:5432 does not serve .*Connection refused", "pg_basebackup -h one"),
        ([PRIMARY, changed(STANDBY, lag_bytes=10**9)], "two:5432 is 954 MiB and 0 seconds behind", "too slow"),
        ([PRIMARY, changed(STANDBY, lag_seconds=90.0)], "two:5432 is 0 MiB and 90 seconds behind", "too slow"),
    ],
)
def test_a_problem_is_named_with_the_steps_that_end_it_and_not_ended_by_itself(
    nodes: list[Node], problem: str, step: str
):
    (finding,) = findings(*nodes)
    assert re.search(problem, finding.problem)
    assert re.search(step, " ".join(finding.steps))
    assert finding.rebuild is None


@pytest.mark.parametrize(
    ("changes", "problem"),
    [({}, "two:5432 is a standby and receives nothing"), ({"timeline": 2}, "two:5432 is left on the old timeline 2")],
)
def test_a_standby_that_does_not_follow_may_be_made_anew(changes: dict[str, int], problem: str):
    standby = changed(STANDBY, **changes)
    (alone,) = findings(PRIMARY, standby, streaming=False)
    (patroni,) = findings(PRIMARY, standby, streaming=False, patroni=True)
    assert alone.problem.startswith(problem)
    assert alone.rebuild == patroni.rebuild == STANDBY.address
    assert "pg_rewind" in " ".join(alone.steps)
    assert "recover --apply" in " ".join(patroni.steps)
    assert "pg_rewind" not in " ".join(patroni.steps)


def test_without_a_primary_patroni_is_asked_before_anything_is_promoted():
    (finding,) = findings(STANDBY, changed(GONE, host="one"), patroni=True)
    assert re.search("patronictl list.*patronictl failover", " ".join(finding.steps))
    assert "pg_ctl" not in " ".join(finding.steps)
