"""Old logs and old jobs go; what runs stays."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from scrapyd.config import Config
from scrapyd.exceptions import ConfigError

from image_spider_node.database import Database
from image_spider_node.jobs import Jobs, Start
from image_spider_node.log_files import LogFile, LogFiles
from image_spider_node.retention import DAY_SECONDS, Retention, Rules, choose

NOW = 1_000_000_000.0
NO_RULES = Rules(seconds=0, log_bytes=0, jobs=0)


def log_file(job: str, *, days: float = 0.0, size: int = 10) -> LogFile:
    return LogFile(project="p", spider="s", job=job, path=Path(job), bytes=size, modified=NOW - days * DAY_SECONDS)


def chosen(*logs: LogFile, running: str = "", days: float = 0.0, log_bytes: int = 0) -> list[str]:
    rules = Rules(seconds=days * DAY_SECONDS, log_bytes=log_bytes, jobs=0)
    found = choose(logs, running={("p", job) for job in running}, rules=rules, now=NOW)
    return [file.job for file in found]


def test_logs_older_than_the_limit_go():
    assert chosen(log_file("a", days=1), log_file("b", days=31), log_file("c", days=29.9), days=30) == ["b"]


def test_the_oldest_logs_go_until_the_rest_has_few_enough_bytes():
    logs = [log_file(job, days=days) for job, days in (("a", 1), ("b", 4), ("c", 3), ("d", 2))]
    assert chosen(*logs, log_bytes=25) == ["b", "c"]


def test_bytes_that_go_by_age_are_not_counted_against_younger_logs():
    assert chosen(log_file("a", days=40, size=1000), log_file("b", days=1), days=30, log_bytes=25) == ["a"]


@pytest.mark.parametrize("limit", [{"days": 30}, {"log_bytes": 5}])
def test_the_log_of_a_running_job_stays_however_old_and_large(limit: dict[str, int]):
    assert chosen(log_file("a", days=400, size=10**12), log_file("b", days=40), running="a", **limit) == ["b"]


def test_another_projects_running_job_of_the_same_name_protects_nothing():
    rules = Rules(seconds=DAY_SECONDS, log_bytes=0, jobs=0)
    assert choose([log_file("a", days=2)], running={("q", "a")}, rules=rules, now=NOW)


def test_zero_is_no_limit():
    assert chosen(log_file("a", days=4000, size=10**15)) == []


class Node:
    """Folder and jobs of a node whose clock the test sets."""

    def __init__(self, folder: Path) -> None:
        self.now = NOW
        self.folder = folder
        database = Database(folder / "node.sqlite3")
        database.create()
        self.jobs = Jobs(database, clock=lambda: self.now)

    def start(self, job: str, *, size: int = 10) -> Path:
        path = self.folder / f"logs/p/s/{job}.log"
        start = Start(project="p", spider="s", job=job, token=job, log=str(path), version=None, egg_sha256=None)
        assert self.jobs.start(start, message={})
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x" * size)
        os.utime(path, (self.now, self.now))
        return path

    def run(self, job: str) -> Path:
        path = self.start(job)
        assert self.jobs.end("p", job, exit_status=0)
        return path

    def retention(self, rules: Rules) -> Retention:
        return Retention(logs=LogFiles(self.folder / "logs"), jobs=self.jobs, rules=rules, clock=lambda: self.now)


@pytest.fixture
def node(tmp_path: Path) -> Node:
    return Node(tmp_path)


def test_logs_and_jobs_of_long_ago_are_forgotten_and_running_ones_kept(node: Node):
    old, running = node.run("old"), node.start("running")
    node.now += 31 * DAY_SECONDS
    young = node.run("young")
    retention = node.retention(Rules(seconds=30 * DAY_SECONDS, log_bytes=0, jobs=0))
    retention.apply()
    assert (old.exists(), running.exists(), young.exists()) == (False, True, True)
    assert [job.job for job in node.jobs.finished(9)] == ["young"]
    assert [job.job for job in node.jobs.running()] == ["running"]
    figures = retention.figures
    assert (figures.files, figures.bytes, figures.deleted_files, figures.deleted_bytes) == (2, 20, 1, 10)


def test_the_jobs_that_ended_first_are_forgotten_above_their_number(node: Node):
    for job in "abcd":
        node.run(job)
        node.now += 1
    node.retention(Rules(seconds=0, log_bytes=0, jobs=3)).apply()
    assert [job.job for job in node.jobs.finished(9)] == ["d", "c", "b"]


def test_without_limits_nothing_goes(node: Node):
    path = node.run("a")
    node.now += 4000 * DAY_SECONDS
    node.retention(NO_RULES).apply()
    assert path.exists()
    assert len(node.jobs.finished(9)) == 1


def test_deletions_are_counted_up_from_pass_to_pass(node: Node):
    retention = node.retention(Rules(seconds=DAY_SECONDS, log_bytes=0, jobs=0))
    for job in "ab":
        node.run(job)
        node.now += 2 * DAY_SECONDS
        retention.apply()
    assert (retention.figures.deleted_files, retention.figures.files) == (2, 0)


def test_a_link_among_the_logs_is_left_alone(node: Node, tmp_path: Path):
    path = node.run("a")
    node.now += 2 * DAY_SECONDS
    path.unlink()
    (tmp_path / "elsewhere.log").write_text("x")
    path.symlink_to(tmp_path / "elsewhere.log")  # no log of ours
    node.retention(Rules(seconds=DAY_SECONDS, log_bytes=0, jobs=0)).apply()
    assert path.is_symlink()
    assert (tmp_path / "elsewhere.log").exists()


class Stubborn(LogFiles):
    """Between the listing and the deletion, one log becomes something that cannot be deleted as a file."""

    def all(self) -> Iterator[LogFile]:
        found = list(super().all())
        stubborn = min(found, key=lambda file: file.job).path
        stubborn.unlink()
        stubborn.mkdir()
        yield from found


def test_a_log_that_cannot_be_deleted_keeps_no_other_one_from_it(node: Node):
    paths = {job: node.run(job) for job in "abc"}
    node.now += 2 * DAY_SECONDS
    rules = Rules(seconds=DAY_SECONDS, log_bytes=0, jobs=0)
    retention = Retention(logs=Stubborn(node.folder / "logs"), jobs=node.jobs, rules=rules, clock=lambda: node.now)
    retention.apply()
    assert [job for job, path in paths.items() if path.exists()] == ["a"]
    assert (retention.figures.files, retention.figures.deleted_files) == (1, 2)


def test_negative_limits_are_refused_by_name():
    with pytest.raises(ConfigError, match="keep_days, keep_log_bytes and keep_jobs"):
        Rules.of(Config({"keep_days": "-1"}))
