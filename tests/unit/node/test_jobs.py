from __future__ import annotations

import signal
import subprocess
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest

from image_spider_node.crawl_process import CrawlProcess
from image_spider_node.database import Database
from image_spider_node.errors import Refused
from image_spider_node.jobs import Jobs, Start, WaitingJob
from image_spider_node.process_id import ProcessId

MESSAGE = {"_job": "1", "name": "images", "settings": {}}
START = Start(
    project="p", spider="images", job="1", token="a", log="logs/p/images/1.log", version="1.0", egg_sha256="0" * 64
)
WATCHER, CRAWL = ProcessId(10, 1000.0, "this boot"), ProcessId(11, 1001.0, "this boot")


class Clock:
    now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def jobs(tmp_path: Path, clock: Clock) -> Jobs:
    database = Database(tmp_path / "node.sqlite3")
    database.create()
    return Jobs(database, clock=clock)


def waiting(job: str = "1") -> WaitingJob:
    return WaitingJob(project="p", spider="images", job=job, priority=2.0, message=MESSAGE | {"_job": job})


def test_a_job_goes_from_scheduled_to_ended(jobs: Jobs, clock: Clock):
    jobs.schedule(waiting())
    assert (jobs.state("p", "1"), jobs.waiting(), jobs.running()) == ("pending", [waiting()], [])
    assert jobs.start(START, message=MESSAGE)
    assert jobs.claim("p", "1", "a", watcher=WATCHER, crawl=CRAWL)
    (record,) = jobs.running()
    assert (record.pid, record.crawl_id, record.watcher_id, record.version) == (11, CRAWL, WATCHER, "1.0")
    clock.now += 60
    assert jobs.end("p", "1", exit_status=0, finish_reason="finished")
    (record,) = jobs.finished(10)
    assert (record.exit_status, record.finish_reason) == (0, "finished")
    assert record.ended == datetime.fromtimestamp(clock.now, UTC)
    assert (jobs.running(), jobs.waiting(), jobs.finished_count(), jobs.state("p", "1")) == ([], [], 1, "finished")


@pytest.mark.parametrize("state", ["pending", "running", "finished"])
def test_an_id_that_was_used_is_refused_in_every_state(jobs: Jobs, state: str):
    jobs.schedule(waiting())
    if state != "pending":
        jobs.start(START, message=MESSAGE)
    if state == "finished":
        jobs.end("p", "1", exit_status=0)
    with pytest.raises(Refused, match=f"job '1' is {state} already") as refused:
        jobs.schedule(waiting())
    assert refused.value.status == 409


def test_the_same_id_may_be_used_in_another_project(jobs: Jobs):
    jobs.schedule(waiting())
    jobs.schedule(WaitingJob(project="q", spider="images", job="1", priority=0.0, message=MESSAGE))
    assert len(jobs.waiting()) == 2


def test_a_job_starts_once_though_its_message_comes_twice(jobs: Jobs):
    assert jobs.start(START, message=MESSAGE), "it needs no row before: stock clients may have queued it"
    assert not jobs.start(START, message=MESSAGE)
    jobs.end("p", "1", exit_status=0)
    assert not jobs.start(START, message=MESSAGE)


def test_a_watcher_that_comes_too_late_may_not_run_its_crawl(jobs: Jobs):
    jobs.start(START, message=MESSAGE)
    assert jobs.release("p", "1")
    assert [job.job for job in jobs.waiting()] == ["1"]
    assert not jobs.claim("p", "1", "a", watcher=WATCHER, crawl=CRAWL)


def test_a_job_that_is_claimed_is_neither_released_nor_claimed_again(jobs: Jobs):
    jobs.start(START, message=MESSAGE)
    assert jobs.claim("p", "1", "a", watcher=WATCHER, crawl=CRAWL)
    assert not jobs.release("p", "1")
    assert not jobs.cancel("p", "1"), "it has a process: that must be told"
    assert not jobs.claim(
        "p", "1", "a", watcher=ProcessId(20, 2000.0, "this boot"), crawl=ProcessId(21, 2001.0, "this boot")
    )


def test_a_cancelled_job_has_ended_and_never_runs(jobs: Jobs):
    jobs.schedule(waiting())
    assert jobs.cancel("p", "1")
    assert not jobs.start(START, message=MESSAGE)
    assert [(job.finish_reason, job.exit_status) for job in jobs.finished(1)] == [("cancelled", None)]


@pytest.mark.parametrize("faster", [False, True], ids=["not claimed", "claimed as it is told"])
def test_a_crawl_that_is_told_to_end_is_given_back_or_gets_the_signal(jobs: Jobs, faster: bool):
    class WithFasterWatcher(Jobs):
        def release(self, project: str, job: str) -> bool:
            assert self.claim(project, job, "a", watcher=crawl, crawl=crawl)
            return super().release(project, job)

    with subprocess.Popen(["sleep", "60"]) as process:
        crawl = ProcessId.of(process.pid)
        jobs.start(START, message=MESSAGE)
        (record,) = jobs.running()
        seen = WithFasterWatcher(jobs.database) if faster else jobs
        CrawlProcess(record, jobs=seen, ended=lambda: None).tell_to_end()
        if not faster:
            assert [job.job for job in jobs.waiting()] == ["1"]
            process.kill()
        assert process.wait() == (-signal.SIGTERM if faster else -signal.SIGKILL)


def test_the_first_to_tell_of_an_end_is_believed(jobs: Jobs):
    jobs.start(START, message=MESSAGE)
    assert jobs.end("p", "1", exit_status=-9)
    assert not jobs.end("p", "1", exit_status=0)
    assert jobs.finished(1)[0].exit_status == -9


def test_one_of_many_who_start_a_job_at_once_wins(jobs: Jobs):
    jobs.schedule(waiting())
    with ThreadPoolExecutor(8) as threads:
        won = list(threads.map(lambda _: jobs.start(START, message=MESSAGE), range(16)))
    assert sum(won) == 1


def test_what_ended_long_ago_is_forgotten_and_what_runs_is_not(jobs: Jobs, clock: Clock):
    for job in ("old", "runs", "new"):
        jobs.schedule(waiting(job))
    jobs.end("p", "old", exit_status=0)
    clock.now += 100
    jobs.end("p", "new", exit_status=0)
    assert jobs.forget(ended_before=datetime.fromtimestamp(clock.now - 50, UTC)) == 1
    assert [job.job for job in jobs.finished(10)] == ["new"]
    assert [job.job for job in jobs.waiting()] == ["runs"]
