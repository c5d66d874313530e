"""Nodes as real daemons: what they find again after their end; the project's egg on them and on a stock Scrapyd."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest

from demo.server import DemoServer
from tests.eggs import make_egg
from tests.nodes import LOGIN, ScrapydNode
from tests.project import FAST, ROOT
from tests.redis_servers import RedisServer
from tests.servers import running
from tests.small_disk import SmallDisk
from tests.waiting import wait_until

SCRIPTS = Path(sys.executable).parent
PACKAGES = ("image_spider", "pipelines", "middlewares")


@pytest.fixture
def node(tmp_path: Path) -> Iterator[ScrapydNode]:
    with running(ScrapydNode(tmp_path / "node")) as node:
        node.deploy(make_egg())
        yield node


def begun(node: ScrapydNode) -> list[str]:
    return [run[0] for run in node.runs()]


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM], ids=["kill -9", "SIGTERM"])
def test_crawls_outlive_the_daemon_and_the_next_one_knows_how_they_end(node: ScrapydNode, number: int):
    jobs = [node.schedule(until=until) for until in ("go-on", "go-now", "never", "never")]
    processes = [node.wait_for(job, "running")["pid"] for job in jobs]
    wait_until(lambda: set(begun(node)) == set(jobs))
    goes_on, ends_meanwhile, killed_meanwhile, cancelled = jobs
    node.kill(number)
    (node.folder / "go-now").touch()
    os.kill(processes[2], signal.SIGKILL)
    wait_until(lambda: not Path(f"/proc/{processes[2]}").exists())
    node.start()
    assert node.wait_for(goes_on, "running")["pid"] == processes[0]
    assert node.wait_for(killed_meanwhile, "finished")["exit_status"] == -9
    ended = node.wait_for(ends_meanwhile, "finished")
    assert (ended["exit_status"], ended["finish_reason"]) == (0, "finished")
    assert node.get("status.json", job=goes_on).json()["currstate"] == "running"
    assert node.post("cancel.json", project="small", job=cancelled).json()["prevstate"] == "running"
    assert node.wait_for(cancelled, "finished")["finish_reason"] == "shutdown"
    assert node.post("schedule.json", project="small", spider="waits", jobid=goes_on).status_code == 409
    (node.folder / "go-on").touch()
    assert node.wait_for(goes_on, "finished")["finish_reason"] == "finished"
    assert node.post("schedule.json", project="small", spider="waits", jobid=ends_meanwhile).status_code == 409
    assert sorted(begun(node)) == sorted(jobs), "none ran twice"


def test_a_crawl_that_was_found_again_holds_its_slot(tmp_path: Path):
    with running(ScrapydNode(tmp_path, max_proc=1)) as node:
        node.deploy(make_egg())
        first = node.schedule(until="go")
        node.wait_for(first, "running")
        second = node.schedule()
        node.kill()
        node.start()
        assert node.get("daemonstatus.json").json()["pending"] == 1
        assert (node.jobs()[first]["state"], node.jobs()[second]["state"]) == ("running", "pending")
        (node.folder / "go").touch()
        node.wait_for(second, "finished")
        assert begun(node) == [first, second]


def test_each_job_runs_once_though_the_daemon_is_killed_again_and_again(node: ScrapydNode):
    chance = random.Random(7)
    jobs = [node.schedule(jobid=f"job-{number}") for number in range(6)]
    for _ in range(3):
        some = len(begun(node)) + chance.randrange(1, 3)
        wait_until(lambda some=some: len(begun(node)) >= min(some, len(jobs)))
        node.kill()
        node.start()
    for job in jobs:
        assert node.wait_for(job, "finished")["exit_status"] == 0
    assert sorted(begun(node)) == jobs


def test_a_job_that_left_the_queue_as_the_daemon_was_killed_runs_after_the_restart(node: ScrapydNode):
    node.kill()
    message = json.dumps({"name": "waits", "settings": {}})
    with closing(sqlite3.connect(node.folder / "dbs/node.sqlite3")) as connection, connection:
        connection.executemany(
            "INSERT INTO jobs (project, job, spider, message, priority, scheduled, starts, token, started) "
            "VALUES ('small', ?, 'waits', ?, 0, 0, ?, ?, ?)",
            [
                ("popped", message.replace("}}", '}, "_job": "popped"}'), 0, None, None),
                ("unclaimed", message.replace("}}", '}, "_job": "unclaimed"}'), 1, "of the dead daemon", 1.0),
            ],
        )
    node.start()
    for job in ("popped", "unclaimed"):
        assert node.wait_for(job, "finished")["exit_status"] == 0
    assert sorted(begun(node)) == ["popped", "unclaimed"]


def test_a_job_whose_processes_are_all_gone_has_ended_with_an_unknown_status(node: ScrapydNode):
    job = node.schedule(until="never")
    told = node.wait_for(job, "running")
    node.kill()
    os.kill(told["watcher"], signal.SIGKILL)
    os.kill(told["pid"], signal.SIGKILL)
    node.start()
    ended = node.wait_for(job, "finished")
    assert (ended["exit_status"], ended["finish_reason"]) == (None, None)


def test_in_a_container_crawls_end_with_the_daemon(tmp_path: Path):
    with running(ScrapydNode(tmp_path, stop_crawls_seconds=60)) as node:
        node.deploy(make_egg())
        job = node.schedule(until="never")
        wait_until(lambda: begun(node) == [job])
        assert node.kill(signal.SIGTERM) == -signal.SIGTERM, "twistd ends by the signal that it was sent"
        node.start()
        assert (node.jobs()[job]["state"], node.jobs()[job]["finish_reason"]) == ("finished", "shutdown")


def test_a_full_disk_is_told_and_nothing_is_lost(tmp_path: Path):
    with running(SmallDisk(tmp_path / "disk", megabytes=8)) as disk:
        seen = disk.seen(disk.folder)
        options = {name: disk.folder / name for name in ("eggs_dir", "dbs_dir")}
        prefix = (*disk.enter, "sh", "-c", 'cd "$0" && exec "$@"', str(tmp_path / "node"))
        with running(ScrapydNode(tmp_path / "node", prefix=prefix, **options)) as node:
            node.deploy(make_egg())
            disk.fill()
            padding = {"settings": f"# {random.Random(1).randbytes(100_000).hex()}\n"}
            refusal = node.post("addversion.json", egg=make_egg(**padding), project="small", version="2")
            assert refusal.status_code == 507
            assert "disk is full" in refusal.json()["message"]
            assert list((seen / "eggs_dir/.incoming").iterdir()) == []
            for _ in range(20):  # what fits into the files as they are is taken
                refusal = node.post("schedule.json", project="small", spider="waits", padding="x" * 10_000)
                if refusal.status_code != 200:
                    break
            assert (refusal.status_code, "disk is full" in refusal.json()["message"]) == (507, True)
            disk.free()
            node.wait_for(node.schedule(), "finished")
            wait_until(lambda: all(job["state"] == "finished" for job in node.jobs().values()))
            assert {job["exit_status"] for job in node.jobs().values()} == {0}


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what scrapyd-deploy packs: it builds in the folder itself, and others may do so at the same time."""
    folder = tmp_path_factory.mktemp("checkout")
    for package in PACKAGES:
        shutil.copytree(ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("setup.py", "README.md", "scrapy.cfg"):
        shutil.copy(ROOT / name, folder)
    built = call(SCRIPTS / "scrapyd-deploy", "--build-egg", "built.egg", folder=folder)
    assert built.returncode == 0, built.stderr
    return folder


def call(*words: object, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(list(map(str, words)), cwd=folder, capture_output=True, text=True, timeout=120)


@pytest.mark.parametrize("stock", [True, False], ids=["stock scrapyd", "node"])
def test_the_egg_is_deployed_by_the_usual_tools_and_crawls_what_redis_cli_pushes(
    checkout: Path, tmp_path: Path, stock: bool
):
    redis = RedisServer(tmp_path / "redis")
    node = ScrapydNode(tmp_path / "node", stock=stock)
    node.environment["REDIS_URL"] = redis.url
    login = "" if stock else "username = {}\npassword = {}\n".format(*LOGIN)
    (checkout / "scrapy.cfg").write_text(
        "[settings]\ndefault = image_spider.settings\n"
        f"[deploy:here]\nurl = {node.url.rstrip('/')}\nproject = image_spider\nversion = 1.0\n{login}"
    )
    with running(redis), running(node), DemoServer(port=0) as site:
        done = call(SCRIPTS / "scrapyd-deploy", "here", "--egg", "built.egg", folder=checkout)
        assert (done.returncode, json.loads(done.stdout)["spiders"]) == (0, 1), done.stdout + done.stderr
        user = () if stock else ("--user", ":".join(LOGIN))
        form = ("-F", "project=image_spider", "-F", "version=1.1", "-F", "egg=@built.egg")
        done = call("curl", "-sf", *user, *form, f"{node.url}addversion.json", folder=checkout)
        assert json.loads(done.stdout)["status"] == "ok", done.stderr
        versions = node.get("listversions.json", project="image_spider").json()["versions"]
        assert versions == (["1_0", "1_1"] if stock else ["1.0", "1.1"])
        settings = [word for name in FAST[1::2] for word in ("--arg", f"setting={name}")]
        words = ("schedule", "-t", "here", "-p", "image_spider", *settings, "images")
        pushed = call(_redis_cli(redis), "-p", redis.port, "lpush", "images:start_urls", site.url, folder=checkout)
        assert pushed.returncode == 0
        done = call(SCRIPTS / "scrapyd-client", *words, folder=checkout)
        assert done.returncode == 0, done.stdout + done.stderr
        wait_until(lambda: len(_rows(node, "select sha256 from images")) > 2, what=node.log())
        (job,) = node.get("listjobs.json", project="image_spider").json()["running"]
        assert node.post("cancel.json", project="image_spider", job=job["id"]).json()["prevstate"] == "running"
        wait_until(lambda: node.get("daemonstatus.json").json()["finished"] == 1, what=node.log())
        if not stock:
            ended = node.jobs("image_spider")[job["id"]]
            assert (ended["exit_status"], ended["finish_reason"], ended["version"]) == (130, "shutdown", "1.1"), (
                "interrupted"
            )


def test_scrapyd_deploy_fails_when_the_node_refuses_the_egg(node: ScrapydNode, tmp_path: Path):
    (tmp_path / "broken.egg").write_bytes(make_egg(spiders="import not_there"))
    (tmp_path / "scrapy.cfg").write_text(
        "[deploy]\nurl = {}\nproject = small\nusername = {}\npassword = {}\n".format(node.url, *LOGIN)
    )
    done = call(SCRIPTS / "scrapyd-deploy", "--egg", "broken.egg", "--version", "2", folder=tmp_path)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "No module named 'not_there'" in done.stdout
    node.kill()
    done = call(SCRIPTS / "scrapyd-deploy", "--egg", "broken.egg", "--version", "2", folder=tmp_path)
    assert done.returncode == 1
    assert "Deploy failed" in done.stderr


def _redis_cli(redis: RedisServer) -> str:
    from tests.redis_servers import redis_program

    beside = Path(redis_program()).with_name("redis-cli")
    return str(beside) if beside.exists() else shutil.which("redis-cli") or "redis-cli"


def _rows(node: ScrapydNode, query: str) -> list[tuple[object, ...]]:
    catalog = node.folder / "data/catalog.sqlite3"
    if not catalog.exists():
        return []
    with closing(sqlite3.connect(catalog)) as connection, suppress(sqlite3.OperationalError):  # no tables yet
        return connection.execute(query).fetchall()
    return []
