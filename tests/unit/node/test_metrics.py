"""What a node tells of itself, in both forms."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from configparser import ConfigParser
from datetime import UTC, datetime
from pathlib import Path

import psutil
import pytest
from prometheus_client.parser import text_string_to_metric_families

from image_spider_node.database import Database
from image_spider_node.jobs import JobRecord, Jobs, Start
from image_spider_node.machine import Machine
from image_spider_node.metrics import LogFigures, Metrics, NodeFigures, Work
from image_spider_node.outcomes import Outcomes, count_outcomes
from image_spider_node.process_id import ProcessId
from image_spider_node.processes import Processes
from image_spider_node.prometheus import render
from tests.project import ROOT


def a_job(job: str, *, pid: int | None, version: str | None = "1.0") -> JobRecord:
    known = ProcessId.of(pid) if pid else None
    return JobRecord(
        project="p",
        spider='quoted "\\\n',
        job=job,
        watcher=None,
        watcher_started=None,
        pid=pid,
        pid_started=known and known.started,
        boot=known and known.boot,
        started=datetime(2026, 1, 1, tzinfo=UTC),
        ended=None,
        exit_status=None,
        finish_reason=None,
        log=None,
        version=version,
        egg_sha256=None,
    )


@pytest.fixture
def pid() -> Iterator[int]:
    """The process of a job."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        yield process.pid
        process.kill()


@pytest.fixture
def figures(tmp_path: Path, pid: int) -> NodeFigures:
    metrics = Metrics(machine=Machine({"logs": tmp_path}), processes=Processes())
    work = Work(
        slots=4,
        pending={"p": 3, "q": 0},
        running=[a_job("here", pid=pid), a_job("beginning", pid=None, version=None)],
        ended=Outcomes(succeeded=5, failed=2, interrupted=3, unknown=1, last_failure=1_700_000_000.5),
    )
    return metrics.take(work, LogFigures(files=7, bytes=700, deleted_files=2, deleted_bytes=50, looked_at=1.0))


def samples(figures: NodeFigures) -> dict[tuple[str, str], float]:
    """Return (name, first label) -> value, read by the library's own parser."""
    families = text_string_to_metric_families(render(figures).decode())
    return {
        (sample.name.removeprefix("image_spider_node_"), next(iter(sample.labels.values()), "")): sample.value
        for family in families
        for sample in family.samples
    }


def test_json_names_a_job_without_a_process_and_says_that_it_has_none(figures: NodeFigures):
    told = json.loads(json.dumps(figures.as_json()))
    here, beginning = told["jobs"]
    assert here["process"]["memory_bytes"] > 0
    assert (beginning["job"], beginning["process"], beginning["started"]) == ("beginning", None, 1767225600.0)
    assert (told["slots"], told["pending"], told["running"]) == (4, {"p": 3, "q": 0}, 2)
    assert told["finished"] == {
        "succeeded": 5,
        "failed": 2,
        "interrupted": 3,
        "unknown": 1,
        "last_failure": 1700000000.5,
    }
    assert told["daemon"]["processes"] >= 1


def test_prometheus_reads_the_same_figures(figures: NodeFigures):
    told = samples(figures)
    assert told["slots", ""] == 4
    assert told["jobs_pending", "p"] == 3
    assert told["jobs_running", ""] == 2
    assert told["jobs_finished", "failed"] == 2
    assert told["last_failure_time_seconds", ""] == 1700000000.5
    assert told["log_files_deleted_total", ""] == 2
    assert told["memory_total_bytes", ""] == psutil.virtual_memory().total
    assert told["disk_free_bytes", "logs"] > 0
    assert told["daemon_cpu_seconds_total", ""] > 0


def test_labels_with_quotes_and_line_breaks_are_read_as_they_were_written(figures: NodeFigures):
    families = text_string_to_metric_families(render(figures).decode())
    alive = {
        sample.labels["job"]: (sample.labels["spider"], sample.value)
        for family in families
        for sample in family.samples
        if sample.name == "image_spider_node_job_process_alive"
    }
    assert alive == {"here": ('quoted "\\\n', 1.0), "beginning": ('quoted "\\\n', 0.0)}


def test_every_metric_stands_in_the_reference(figures: NodeFigures):
    text = (ROOT / "docs/reference/node-http.md").read_text(encoding="utf-8")
    names = {
        sample.name for family in text_string_to_metric_families(render(figures).decode()) for sample in family.samples
    }
    assert [name for name in sorted(names) if f"`{name}`" not in text] == []


def test_ended_jobs_are_counted_and_one_that_was_told_to_end_has_not_failed(tmp_path: Path):
    database = Database(tmp_path / "node.sqlite3")
    database.create()
    times = iter(float(number) for number in range(100))
    jobs = Jobs(database, clock=lambda: next(times))
    assert count_outcomes(database) == Outcomes()
    well, failed = ((0, "finished"), (0, None)), ((1, "finished"), (-9, "ended by signal 9"))
    cancelled = (None, "cancelled"), (None, "cancelled: its project was deleted")
    told_to_end, unseen = ((130, "shutdown"), (-15, "ended by signal 15"), *cancelled), ((None, None),)
    for number, (exit_status, reason) in enumerate((*well, *failed, *told_to_end, *unseen)):
        start = Start(project="p", spider="s", job=str(number), token="t", log=None, version=None, egg_sha256=None)
        assert jobs.start(start, message={})
        assert jobs.end("p", str(number), exit_status=exit_status, finish_reason=reason)
    running = Start(project="p", spider="s", job="running", token="t", log=None, version=None, egg_sha256=None)
    assert jobs.start(running, message={})
    (killed,) = [job for job in jobs.finished(9) if job.exit_status == -9]
    assert killed.ended
    assert count_outcomes(database) == Outcomes(
        succeeded=2, failed=2, interrupted=4, unknown=1, last_failure=killed.ended.timestamp()
    )


def test_every_service_and_option_of_a_node_stands_in_the_reference():
    text = (ROOT / "docs/reference/node-http.md").read_text(encoding="utf-8")
    conf = ConfigParser()
    conf.read(ROOT / "scrapyd.conf", encoding="utf-8")
    missing = [name for name in conf["services"] if not re.search(rf"`(GET |POST )?{re.escape(name)}`", text)]
    options = [name for name in conf["scrapyd"] if name.startswith(("keep_", "retention_")) and f"`{name}`" not in text]
    assert (missing, options) == ([], [])
