"""Jobs: each runs once, its end is known, and its slot comes back."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
from collections.abc import Iterator
from contextlib import closing

import psutil
import pytest
import requests

from tests.eggs import make_egg
from tests.nodes import LOGIN, ScrapydNode
from tests.servers import running
from tests.waiting import wait_until


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ScrapydNode]:
    """A daemon with two slots and the project `small`."""
    with running(ScrapydNode(tmp_path_factory.mktemp("node"), max_proc=2)) as node:
        node.deploy(make_egg())
        yield node


def queue(node: ScrapydNode, *jobs: str, **arguments: object) -> None:
    """Queue jobs behind the services' back, as another version of Scrapyd may have done."""
    with closing(sqlite3.connect(node.folder / "dbs/small.db")) as connection, connection:
        for job in jobs:
            message = json.dumps({"name": "waits", "_job": job} | arguments).encode()
            connection.execute("INSERT INTO spider_queue (priority, message) VALUES (0, ?)", (message,))


@pytest.mark.parametrize("job", ["../../x", "a/b", ".x", "-x", "a b", "x\n", "x" * 200])
def test_a_jobid_that_is_no_file_name_is_refused(node: ScrapydNode, job: str):
    refusal = node.post("schedule.json", project="small", spider="waits", jobid=job)
    assert refusal.status_code == 400
    assert "jobid" in refusal.json()["message"]


def test_jobs_that_cannot_start_cost_no_slot(node: ScrapydNode):
    queue(node, "../../x", "../../y", "../../z", "nul\0")  # more than there are slots
    queue(node, "argument", x="a\0b")
    queue(node, "setting", settings={"A\0B": "1"})
    queue(node, "surrogate", x="\ud800")
    job = node.schedule()
    node.wait_for(job, "finished")
    ended = node.wait_for("../../z", "finished")
    assert ended["finish_reason"].startswith("not started: jobid")
    for job in ("argument", "setting", "surrogate"):
        assert node.wait_for(job, "finished")["finish_reason"].startswith("not started: ")
    assert not (node.folder / "x.log").exists()
    wait_until(lambda: node.get("daemonstatus.json").json()["running"] == 0)


def test_the_same_jobid_is_used_once(node: ScrapydNode):
    fields = {"project": "small", "spider": "waits", "jobid": "once"}
    assert node.post("schedule.json", **fields, until="go-once").ok
    node.wait_for("once", "running")
    refusal = node.post("schedule.json", **fields)
    assert (refusal.status_code, "'once' is running already" in refusal.json()["message"]) == (409, True)
    queue(node, "once")
    (node.folder / "go-once").touch()
    node.wait_for("once", "finished")
    refusal = node.post("schedule.json", **fields)
    assert (refusal.status_code, "'once' is finished already" in refusal.json()["message"]) == (409, True)
    wait_until(lambda: "once of small is not run twice" in node.log())
    assert len([run for run in node.runs() if run[0] == "once"]) == 1


def test_how_a_crawl_ended_is_known(node: ScrapydNode):
    well, badly = node.schedule(), node.schedule(exits=3)
    assert node.wait_for(badly, "finished")["exit_status"] == 3
    ended = node.wait_for(well, "finished")
    assert (ended["exit_status"], ended["finish_reason"], ended["version"]) == (0, "finished", "1")
    assert "printed by the spider" in (node.folder / f"logs/small/waits/{well}.log").read_text()
    killed, cancelled = node.schedule(until="never"), node.schedule(until="never")
    os.kill(node.wait_for(killed, "running")["pid"], signal.SIGKILL)
    ended = node.wait_for(killed, "finished")
    assert (ended["exit_status"], ended["finish_reason"]) == (-9, "ended by signal 9")
    _wait_for_begin(node, cancelled)
    assert node.post("cancel.json", project="small", job=cancelled).json()["prevstate"] == "running"
    ended = node.wait_for(cancelled, "finished")
    assert (ended["exit_status"], ended["finish_reason"]) == (0, "shutdown")
    listed = {job["id"]: job for job in node.get("listjobs.json", project="small").json()["finished"]}
    assert {well, badly, killed, cancelled} <= listed.keys()
    assert listed[well]["log_url"] == f"/logs/small/waits/{well}.log"
    assert well in node.get("jobs").text
    assert node.get("status.json", job=well).json()["currstate"] == "finished"


def _wait_for_begin(node: ScrapydNode, job: str) -> None:
    wait_until(lambda: job in [run[0] for run in node.runs()])


def test_a_pending_job_that_is_cancelled_never_runs(node: ScrapydNode):
    running = [node.schedule(until="go-pending") for _ in range(2)]
    pending = node.schedule()
    for job in running:
        node.wait_for(job, "running")
    assert node.get("status.json", job=pending).json()["currstate"] == "pending"
    assert node.post("cancel.json", project="small", job=pending).json()["prevstate"] == "pending"
    (node.folder / "go-pending").touch()
    for job in running:
        node.wait_for(job, "finished")
    assert node.jobs()[pending]["finish_reason"] == "cancelled"
    assert pending not in [run[0] for run in node.runs()]


def test_a_crawl_whose_watcher_is_killed_goes_on_and_keeps_its_slot_to_its_end(node: ScrapydNode):
    job = node.schedule(until="go-watcher")
    told = node.wait_for(job, "running")
    _wait_for_begin(node, job)
    os.kill(told["watcher"], signal.SIGKILL)
    wait_until(lambda: not psutil.pid_exists(told["watcher"]))
    assert node.jobs()[job]["state"] == "running"
    assert node.get("daemonstatus.json").json()["running"] == 1
    (node.folder / "go-watcher").touch()
    ended = node.wait_for(job, "finished")
    assert ended["exit_status"] is None, "nobody saw it"


def test_a_job_that_cannot_be_written_down_for_a_lock_is_answered_with_503(node: ScrapydNode):
    with closing(sqlite3.connect(node.folder / "dbs/node.sqlite3", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        fields = {"project": "small", "spider": "waits", "jobid": "locked"}
        answer = requests.post(node.url + "schedule.json", data=fields, auth=LOGIN, timeout=30)
        other.rollback()
    assert (answer.status_code, "try again" in answer.json()["message"]) == (503, True)
    assert "locked" not in node.jobs()
    assert node.schedule(jobid="locked")


def test_a_job_whose_start_failed_half_way_runs_later(node: ScrapydNode):
    """As when the database is locked between the start that was written down and the process."""
    row = ("half", json.dumps({"name": "waits", "settings": {}, "_job": "half"}))
    with closing(sqlite3.connect(node.folder / "dbs/node.sqlite3")) as connection, connection:
        connection.execute(
            "INSERT INTO jobs (project, job, spider, message, priority, scheduled, starts, token, started) "
            "VALUES ('small', ?, 'waits', ?, 0, 0, 1, 'nobody has it', 1.0)",
            row,
        )
    assert node.wait_for("half", "finished")["exit_status"] == 0


@pytest.mark.parametrize("fields", [{"setting": "LOG_LEVEL"}, {"priority": "high"}, {"project": "small"}])
def test_a_wrong_parameter_is_answered_with_400(node: ScrapydNode, fields: dict[str, str]):
    whole = {"project": "small", "spider": "waits"} if "project" not in fields else {}
    assert node.post("schedule.json", **whole, **fields).status_code == 400
    assert node.post("cancel.json", project="small", job="x", signal="NOPE").status_code == 400
    assert node.get("jobs.json", limit=-1).status_code == 400


@pytest.mark.parametrize(
    "fields",
    [
        *({name: "1"} for name in ("self", "name", "spider_name", "_project", "_spider")),
        {"x": "a\0b"},
        {"x\0y": "1"},
        {"setting": "A\0B=1"},
        {"x": b"\xff"},
        {b"\xff": "1"},
        {"priority": "nan"},
        {"priority": "inf"},
    ],
    ids=repr,
)
def test_what_no_crawl_can_be_given_is_answered_with_400_and_not_written_down(
    node: ScrapydNode, fields: dict[str | bytes, str | bytes]
):
    known = node.jobs().keys()
    answer = requests.post(
        node.url + "schedule.json", data={"project": "small", "spider": "waits"} | fields, auth=LOGIN, timeout=30
    )
    assert (answer.status_code, answer.json()["status"]) == (400, "error"), answer.text
    assert node.jobs().keys() == known


def test_with_a_project_its_waiting_jobs_end_and_its_crawls_can_still_be_told_to(node: ScrapydNode):
    node.deploy(make_egg(), project="leaves")
    running = [node.schedule(project="leaves", until="never") for _ in range(2)]
    waiting = node.schedule(project="leaves")
    for job in running:
        node.wait_for(job, "running", project="leaves")
    wait_until(lambda: {run[0] for run in node.runs()} >= set(running))
    assert node.post("delproject.json", project="leaves").ok
    ended = node.wait_for(waiting, "finished", project="leaves")
    assert ended["finish_reason"] == "cancelled: its project was deleted"
    for job in running:
        assert node.get("status.json", project="leaves", job=job).json()["currstate"] == "running"
        assert node.post("cancel.json", project="leaves", job=job).json()["prevstate"] == "running"
        assert node.wait_for(job, "finished", project="leaves")["finish_reason"] == "shutdown"
    assert node.post("cancel.json", project="leaves", job="unknown").status_code == 404
    node.deploy(make_egg(), project="leaves")
    after = node.schedule(project="leaves")
    node.wait_for(after, "finished", project="leaves")
    assert waiting not in [run[0] for run in node.runs()], "it came to life again with the project"
    assert node.get("listjobs.json", project="leaves").json()["pending"] == []
