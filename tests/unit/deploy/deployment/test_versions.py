"""Which version a node runs, and what is wrong with that."""

from __future__ import annotations

import pytest

from deploy.deployment.trial import verdict
from deploy.deployment.versions import Versions, complaints, newer_than, refusal, stored_name

STOCK = Versions(order=("1", "2"), current="2")
OURS = Versions(order=("2", "1"), current="1", hashes={"1": "aa", "2": "bb"})


def test_the_version_before_the_current_one_is_told_by_the_nodes_own_order():
    assert (STOCK.previous, OURS.previous) == ("1", "2")
    assert (newer_than(STOCK, "1"), newer_than(OURS, "2"), newer_than(OURS, "1")) == (("2",), ("1",), ())
    assert Versions(order=("1",), current="1").previous is None
    assert Versions(order=(), current=None).previous is None


@pytest.mark.parametrize(
    ("before", "version", "reason"),
    [
        (STOCK, "10", ""),
        (STOCK, "1", "cannot tell with which bytes"),
        (STOCK, "0.9", "sorts last, and that would still be 2"),
        (Versions(order=("1_0",), current="1_0"), "0-20261120", "would still be 1_0"),  # no version: sorted as text
        (OURS, "0.9", ""),
        (OURS, "1", "with other bytes"),
        (Versions(order=("3", "1"), current="1", hashes={"3": "cc", "1": "aa"}), "3", "--roll-back 3 goes back"),
    ],
)
def test_a_version_that_could_not_take_over_is_refused(before: Versions, version: str, reason: str):
    refused = refusal(before, version, "cc")
    assert reason in refused
    assert bool(refused) == bool(reason)


@pytest.mark.parametrize(
    ("after", "listed", "wrong"),
    [
        (OURS, ["images"], ""),
        (STOCK, ["images"], "runs version 2"),
        (Versions(order=("1",), current="1"), ["images"], ""),
        (Versions(order=(), current=None), ["images"], "has no version 1"),
        (Versions(order=("1",), current="1", hashes={"1": "ff"}), ["images"], "holds other bytes"),
        (Versions(order=("1", "2"), current="2", hashes={"1": "aa"}), ["images"], "has come between"),
        (OURS, ["images", "other"], "shadows the egg"),
        (OURS, [], "lists the spiders none"),
    ],
)
def test_what_a_node_tells_afterwards_is_compared_with_what_was_sent(after: Versions, listed: list[str], wrong: str):
    said = complaints(after, version="1", sha256="aa", listed=listed, spiders=["images"])
    assert wrong in said
    assert bool(said) == bool(wrong)


def test_names_are_what_scrapyd_makes_of_them():
    assert stored_name("1.0+git") == "1_0_git"


@pytest.mark.parametrize(
    ("log", "wrong"),
    [
        ("... 'finish_reason': 'finished',", ""),
        ("... 'finish_reason': 'shutdown',", "ended with shutdown"),
        ("'finish_reason': 'finished', 'log_count/CRITICAL': 1, 'log_count/ERROR': 2}", "logged 3 errors"),
        ("Traceback\nMemoryError", "died: its log has no statistics. It ends: Traceback\nMemoryError"),
        ("", "it is empty"),
    ],
)
def test_a_trial_crawl_is_judged_by_the_end_of_its_log(log: str, wrong: str):
    said = verdict(log)
    assert wrong in said
    assert bool(said) == bool(wrong)
