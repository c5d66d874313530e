"""What a real node tells of itself and of its jobs' logs, over HTTP."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
import requests
from prometheus_client.parser import text_string_to_metric_families

from tests.eggs import make_egg
from tests.nodes import ScrapydNode
from tests.waiting import wait_until

SPIDER = """
import asyncio, pathlib, scrapy

class Talks(scrapy.Spider):
    name = "talks"

    async def start(self):
        while not pathlib.Path(self.until).exists():
            self.logger.info("Grüße aus %s", self.name)
            await asyncio.sleep(0.05)
        return
        yield
"""


SETTINGS = """
SPIDER_MODULES = ["talking.spiders"]
TELNETCONSOLE_ENABLED = REMOTE_CONTROL_ENABLED = False
"""


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ScrapydNode]:
    node = ScrapydNode(tmp_path_factory.mktemp("node"), retention_interval=0.2, keep_log_bytes=1, keep_days=0)
    node.start()
    try:
        node.deploy(make_egg(package="talking", spiders=SPIDER, settings=SETTINGS), project="talking")
        yield node
    finally:
        node.stop()


class Talk:
    """A job that talks until it is told to end."""

    def __init__(self, node: ScrapydNode, folder: Path) -> None:
        self._node = node
        self._until = folder / "until"
        self.job = node.schedule(project="talking", spider="talks", until=str(self._until))
        self.pid = node.wait_for(self.job, "running", project="talking")["pid"]
        wait_until(lambda: self.tail(search="Grüße").get("matches"), what="the job's first words")

    def tail(self, **parameters: object) -> dict:
        return self.ask_tail(**parameters).json()

    def ask_tail(self, **parameters: object) -> requests.Response:
        return self._node.get("tail.json", project="talking", spider="talks", job=self.job, **parameters)

    def end(self) -> None:
        self._until.touch()


@pytest.fixture(scope="module")
def long_talk(node: ScrapydNode, tmp_path_factory: pytest.TempPathFactory) -> Talk:
    """A job for tests that only read; it runs until the node ends."""
    return Talk(node, tmp_path_factory.mktemp("talk"))


@pytest.fixture
def talk(node: ScrapydNode, tmp_path: Path) -> Iterator[Talk]:
    talk = Talk(node, tmp_path)
    yield talk
    talk.end()
    node.wait_for(talk.job, "finished", project="talking")


def metrics(node: ScrapydNode) -> dict[tuple[str, str], float]:
    """Return (name, job) -> value."""
    answer = node.get("metrics")
    assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    return {
        (sample.name.removeprefix("image_spider_node_"), sample.labels.get("job", "")): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def told_of(node: ScrapydNode, job: str) -> dict | None:
    """Return what metrics.json says of a running job."""
    return next((told for told in node.get("metrics.json").json()["jobs"] if told["job"] == job), None)


def test_a_running_log_is_followed_piece_by_piece_and_nothing_is_missing(node: ScrapydNode, long_talk: Talk):
    (log,) = [job["log"] for job in node.jobs("talking").values() if job["job"] == long_talk.job]
    text, offset = "", 0
    while "Grüße" not in text:
        wait_until(lambda read=offset: long_talk.tail(offset=read)["size"] > read, what="more of the log")
        piece = long_talk.tail(offset=offset, bytes=1000)
        text, offset = text + piece["text"], piece["next_offset"]
    assert piece["state"] == "running"
    copy = Path(node.folder / log).read_bytes()  # before it ends: retention keeps a single byte here
    assert copy.startswith(text.encode())


def test_only_lines_with_the_text_are_told_and_the_search_goes_on_from_there(long_talk: Talk):
    first = long_talk.tail(search="Grüße", offset=0)
    assert all("Grüße aus talks" in match["line"] for match in first["matches"])
    wait_until(lambda: long_talk.tail(search="Grüße", offset=first["next_offset"])["matches"], what="a new line")
    assert long_talk.tail(search="no such words")["matches"] == []


@pytest.mark.parametrize(
    ("wrong", "status"),
    [
        ({"job": "../../node"}, 400),
        ({"project": ".."}, 400),
        ({"job": "unknown"}, 404),
        ({"offset": "-1"}, 400),
        ({"offset": "1e9"}, 400),
        ({"offset": 10**17}, 416),
        ({"search": ""}, 400),
        ({"job": ""}, 400),
    ],
)
def test_a_wrong_question_about_a_log_is_answered_with_what_is_wrong(
    node: ScrapydNode, long_talk: Talk, wrong: dict[str, object], status: int
):
    question = {"project": "talking", "spider": "talks", "job": long_talk.job} | wrong
    answer = node.get("tail.json", **question)
    assert (answer.status_code, answer.json()["status"]) == (status, "error")
    assert answer.json()["message"]


def test_figures_of_a_job_are_told_as_long_as_it_runs(node: ScrapydNode, talk: Talk):
    told = wait_until(lambda: told_of(node, talk.job), what="the job among the figures")  # of a second ago, maybe
    assert told["pid"] == talk.pid
    assert told["process"]["memory_bytes"] > 10_000_000
    assert metrics(node)["job_process_alive", talk.job] == 1
    talk.end()
    node.wait_for(talk.job, "finished", project="talking")
    wait_until(lambda: ("job_process_alive", talk.job) not in metrics(node), what="the job to leave the figures")


def test_a_job_that_is_killed_is_counted_as_failed_with_the_time_of_it(node: ScrapydNode, talk: Talk):
    before = metrics(node).get(("last_failure_time_seconds", ""), 0)
    os.kill(talk.pid, signal.SIGKILL)
    assert node.wait_for(talk.job, "finished", project="talking")["exit_status"] == -signal.SIGKILL
    wait_until(lambda: metrics(node).get(("last_failure_time_seconds", ""), 0) > before, what="the failure to be told")


def test_the_log_of_a_running_job_stays_and_goes_when_it_has_ended(node: ScrapydNode, talk: Talk):
    now = time.time()
    wait_until(lambda: (node.get("metrics.json").json()["logs"]["looked_at"] or 0) > now, what="a pass of retention")
    assert talk.ask_tail().status_code == 200
    wait_until(lambda: "more than keep_log_bytes: their jobs run" in node.log(), what="the node to say so")
    talk.end()
    node.wait_for(talk.job, "finished", project="talking")
    wait_until(lambda: talk.ask_tail().status_code == 404, what="retention to delete the log")


def test_the_daemons_own_figures_are_without_its_jobs(node: ScrapydNode, long_talk: Talk):
    below = psutil.Process(node.pid).children(recursive=True)
    assert long_talk.pid in {process.pid for process in below}

    def are_told() -> bool:
        """The daemon's processes are itself and, for each crawl, the small one that waits for it."""
        told = node.get("metrics.json").json()
        return bool(told["daemon"]["processes"] == 1 + len(told["jobs"]))

    wait_until(are_told, what="the daemon's figures without those of jobs")


def test_a_job_that_outlived_its_daemon_has_its_figures_and_log_from_the_next_one(node: ScrapydNode, talk: Talk):
    node.kill()
    node.start()
    told = told_of(node, talk.job)
    assert told
    assert told["pid"] == talk.pid
    assert told["process"]["cpu_seconds"] > 0
    size = talk.tail()["size"]
    wait_until(lambda: talk.tail()["size"] > size, what="the job to go on")


@pytest.mark.parametrize("service", ["metrics", "metrics.json", "tail.json"])
def test_nobody_is_told_anything_without_the_password(node: ScrapydNode, service: str):
    assert requests.get(node.url + service, timeout=30).status_code == 401
