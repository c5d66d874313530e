"""Figures are taken when somebody asks, and once for all who ask."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from twisted.internet.defer import Deferred, maybeDeferred

from image_spider_node import monitoring
from image_spider_node.database import Database
from image_spider_node.jobs import Jobs
from image_spider_node.log_files import LogFiles
from image_spider_node.machine import Machine
from image_spider_node.metrics import Metrics, NodeFigures
from image_spider_node.monitoring import Monitoring
from image_spider_node.processes import Processes
from image_spider_node.retention import Retention, Rules


class Threads:
    """Work that was given to a thread, and runs when the test says so."""

    def __init__(self) -> None:
        self.waiting: list[Callable[[], Any]] = []

    def defer(self, work: Callable[..., Any], *words: Any) -> Deferred[Any]:
        done: Deferred[Any] = Deferred()
        self.waiting.append(lambda: maybeDeferred(work, *words).addBoth(done.callback))
        return done

    def run(self) -> None:
        waiting, self.waiting = self.waiting, []
        for work in waiting:
            work()


@pytest.fixture
def threads(monkeypatch: pytest.MonkeyPatch) -> Threads:
    threads = Threads()
    monkeypatch.setattr(monitoring, "deferToThread", threads.defer)
    return threads


@pytest.fixture
def node(tmp_path: Path, threads: Threads) -> Monitoring:
    database = Database(tmp_path / "node.sqlite3")
    database.create()
    jobs, logs = Jobs(database), LogFiles(tmp_path / "logs")
    return Monitoring(
        metrics=Metrics(machine=Machine({"dbs": tmp_path}), processes=Processes()),
        retention=Retention(logs=logs, jobs=jobs, rules=Rules(seconds=0, log_bytes=0, jobs=0)),
        logs=logs,
        jobs=jobs,
        daemon=lambda: (4, {"p": 2}),
        retention_seconds=600,
    )


def ask(node: Monitoring) -> list[NodeFigures]:
    told: list[NodeFigures] = []
    node.figures().addCallback(told.append)
    return told


def test_all_who_ask_while_figures_are_taken_get_the_same_ones(node: Monitoring, threads: Threads):
    answers = [ask(node) for _ in range(5)]
    assert len(threads.waiting) == 1
    threads.run()
    assert len({id(figures) for (figures,) in answers}) == 1
    assert answers[0][0].work.pending == {"p": 2}


def test_figures_of_the_last_second_are_told_again_and_older_ones_are_not(
    node: Monitoring, threads: Threads, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(monitoring, "FRESH_SECONDS", 3600)
    ask(node)
    threads.run()
    assert ask(node)
    assert not threads.waiting
    monkeypatch.setattr(monitoring, "FRESH_SECONDS", 0)
    assert not ask(node)
    assert len(threads.waiting) == 1


def test_an_error_is_told_to_all_and_the_next_one_who_asks_has_another_try(
    node: Monitoring, threads: Threads, tmp_path: Path
):
    good = (tmp_path / "node.sqlite3").read_bytes()
    (tmp_path / "node.sqlite3").write_bytes(b"damaged" * 1000)
    failures: list[Any] = []
    for _ in range(2):
        node.figures().addErrback(failures.append)
    threads.run()
    assert [failure.getErrorMessage() for failure in failures] == ["file is not a database"] * 2
    (tmp_path / "node.sqlite3").write_bytes(good)
    told = ask(node)
    threads.run()
    assert told


def test_an_error_before_figures_are_taken_is_told_and_holds_up_nobody(
    node: Monitoring, threads: Threads, monkeypatch: pytest.MonkeyPatch
):
    def is_locked() -> tuple[int, dict[str, int]]:
        raise sqlite3.OperationalError("database is locked")

    with monkeypatch.context() as locked:
        locked.setattr(node, "_daemon", is_locked)
        with pytest.raises(sqlite3.OperationalError):
            node.figures()
    told = ask(node)
    threads.run()
    assert told


def test_retention_goes_on_after_an_error_that_nobody_expected(
    node: Monitoring, threads: Threads, monkeypatch: pytest.MonkeyPatch
):
    def fails() -> None:
        raise RuntimeError("never seen before")

    monkeypatch.setattr(node._retention, "apply", fails)
    node.startService()
    threads.run()
    assert node._retaining.running
    node.stopService()
