"""How what is known of the cluster changes."""

from __future__ import annotations

from typing import Any

from image_spider.catalog.pool.address import Address
from image_spider.catalog.pool.choice import Choice
from image_spider.catalog.pool.node import Node
from image_spider.catalog.pool.view import View, next_view

A = Node(host="a", port=1, role="primary", state="running", writable=True, timeline=1, system_identifier="7")
B = Node(host="b", port=1, role="standby", state="running", timeline=1, lag_seconds=0.0)


def after(view: View, primary: Node | None, *nodes: Node, **options: Any) -> View:
    return next_view(view, Choice(primary=primary), nodes, **({"lag_seconds": 5.0} | options))


def test_another_primary_is_another_generation():
    first = after(View(), A, A, B)
    assert (first.generation, first.last, first.timeline) == (1, Address("a", 1), 1)
    assert after(first, A, A, B).generation == 1
    promoted = Node(host="b", port=1, role="primary", state="running", writable=True, timeline=2)
    second = after(first, promoted, promoted)
    assert (second.generation, second.timeline, second.system_identifier) == (2, 2, "7")


def test_a_primary_that_comes_back_as_it_was_is_of_the_same_generation():
    lost = after(after(View(), A, A), None, B)
    assert (lost.primary, lost.generation, lost.timeline, lost.last) == (None, 1, 1, Address("a", 1))
    assert after(lost, A, A).generation == 1


def test_the_same_server_on_a_new_timeline_is_another_generation():
    again = Node(host="a", port=1, role="primary", state="running", writable=True, timeline=3)
    assert after(after(View(), A, A), again, again).generation == 2


def test_readers_go_to_standbys_that_are_not_far_behind():
    behind = Node(host="c", port=1, role="standby", state="running", lag_seconds=9.0)
    unknown = Node(host="d", port=1, role="standby", state="running")
    assert after(View(), A, A, B, behind, unknown).readers == (Address("b", 1),)
    assert after(View(), A, A, behind, unknown).readers == (Address("a", 1),)
    assert after(View(), None, B, behind).readers == (Address("b", 1),)
    assert after(View(), None, behind).readers == ()
