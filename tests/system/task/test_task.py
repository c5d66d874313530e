"""`scrapy task` as a container runs it: with a platform's API that listens, or does not."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest

from demo.server import DemoServer
from tests.images import a_png
from tests.monitoring_api import MonitoringServer
from tests.project import Project
from tests.servers import free_port
from tests.sites import Site
from tests.waiting import wait_until

PRODUCT = """<html><head><title>Shop</title><script type="application/ld+json">{"@type": "Product", "name": "Lamp",
  "offers": {"price": "29.90", "priceCurrency": "EUR"}}</script></head>
  <body><p class=size>40 cm</p><img src=/lamp.png alt="A lamp"><a href=/>home</a>
  <a href=/>home</a><a href=/lamp>this</a><a href=/more>more</a><a href=/beyond>x</a></body></html>"""
PAGES: dict[str, str | bytes] = {
    "/": "<title>Home</title>",
    "/lamp": PRODUCT,
    "/beyond": "<title>One page too many</title>",
    "/more": "<title>More</title>",
    "/lamp.png": a_png(1),
}
TELLING = ("--loglevel", "WARNING", "-s", "RETRY_DELAY_SECONDS=0.05", "-s", "CONTACT_URL=http://127.0.0.1/")


@pytest.fixture
def api() -> Iterator[MonitoringServer]:
    with MonitoringServer() as api:
        yield api


@pytest.fixture
def shop() -> Iterator[Site]:
    with Site(PAGES) as shop:
        yield shop


def environment(project: Project, config: object, api: str = "", **values: str) -> dict[str, str]:
    path = project.folder / "task.json"
    if config is not None:
        path.write_text(config if isinstance(config, str) else json.dumps(config), encoding="utf-8")
    return {
        "TASK_EXECUTION_ID": "e-1",
        "CONFIG_PATH": str(path),
        "HOSTNAME": "container-7",
        "OUTPUT_DIR": "output",
        "API_BASE_URL": api,
        "HEARTBEAT_SECONDS": "0.1",
        **values,
    }


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def config(site: str, *targets: str, **crawl: object) -> dict[str, object]:
    return {"task_name": "Shop", "base_url": site, "target_urls": targets, "delay": 0, "crawl_config": crawl}


def test_a_task_reports_writes_its_results_and_is_completed_though_some_urls_are_bad(
    project: Project, api: MonitoringServer, shop: Site
):
    bad = ("/gone", "mailto:me@shop.example", f"http://127.0.0.1:{free_port()}/closed")
    fields = {"title": None, "price": None, "size": "p.size", "colour": None}
    asked = config(shop.url, "/", *bad, "/lamp", data_fields=fields) | {
        "max_retries": 0,
        "user_agent": "Shop/1",
        "hue": 1,
    }
    api.answers["heartbeat"] = [500]
    api.answers["completion"] = [503]
    fleet = "redis://127.0.0.1:1/0"  # of which a task is no part
    done = project.run("task", *TELLING, **environment(project, asked, api.url, REDIS_URL=fleet))
    assert done.returncode == 0, done.stderr
    assert "Unknown key" in done.stderr
    assert done.stderr.count("A heartbeat did not arrive") == 1

    (completion,) = api.completions
    assert completion.keys() == {"execution_id", "container_id", "success", "result_data", "error_message"}
    assert (completion["execution_id"], completion["container_id"]) == ("e-1", "container-7")
    assert (completion["success"], completion["error_message"]) == (True, None)
    summary = completion["result_data"]["crawl_summary"]
    counts = ("total_urls", "crawled_urls", "successful_urls", "failed_urls", "data_items", "percentage")
    assert [summary[name] for name in counts] == [5, 5, 2, 3, 3, 100]
    assert summary["failures"]["by_cause"] == {"bad_url": 1, "connection": 1, "status": 1}
    assert completion["result_data"]["total_data_count"] == 3
    assert json.loads((project.folder / "output/result.json").read_text()) == completion
    with urlopen(f"{api.url}/api/v1/monitoring/execution/e-1/status") as shown:
        assert json.load(shown) == completion

    pages = {page.pop("url"): page for page in lines(project.folder / "output/pages.jsonl")}
    assert pages.keys() == {f"{shop.url}/", f"{shop.url}/lamp"}
    lamp = pages[f"{shop.url}/lamp"]
    assert {name: lamp[name] for name in fields} == {"title": "Lamp", "price": "29.90", "size": "40 cm", "colour": None}
    (image,) = lines(project.folder / "output/images.jsonl")
    assert image["alt"] == "A lamp"
    assert (project.folder / "output/images" / image["path"]).read_bytes() == PAGES["/lamp.png"]
    assert {item["item"] for item in completion["result_data"]["data_items"]} == {"page", "image"}


def test_heartbeats_go_on_while_the_reactor_is_blocked(project: Project, api: MonitoringServer, shop: Site):
    asked = config(shop.url, "/", "/lamp", extract_images=False)
    settings = {"SCRAPY_SETTINGS_MODULE": "tests.system.task.settings"}
    process = project.start(
        "task", *TELLING, "-s", "ROBOTSTXT_OBEY=False", **environment(project, asked, api.url, **settings)
    )
    wait_until((project.folder / "blocked").exists)
    heard = len(api.heartbeats)
    wait_until(lambda: len(api.heartbeats) >= heard + 3)
    (project.folder / "go_on").touch()
    _, said = process.communicate(timeout=60)
    assert process.returncode == 0, said
    assert len(api.completions) == 1

    heartbeat = api.heartbeats[heard + 2]
    assert heartbeat.keys() == {"execution_id", "container_id", "status", "progress", "timestamp"}
    assert (heartbeat["execution_id"], heartbeat["status"]) == ("e-1", "running")
    assert heartbeat["progress"]["current_stage"] == "crawling"
    assert heartbeat["progress"]["total_urls"] == 2
    assert heartbeat["progress"]["current_url"].startswith(shop.url)
    runtimes = [body["progress"]["runtime_seconds"] for body in api.heartbeats]
    assert runtimes == sorted(runtimes)
    assert not (project.folder / "output/images.jsonl").exists()
    assert "/lamp.png" not in shop.requests


def test_an_api_that_never_answers_does_not_stop_the_task(project: Project, api: MonitoringServer, shop: Site):
    api.gate.clear()
    shop.pages["/old"] = "-> /lamp"
    asked = config(shop.url, "/old", "/", follow_links=True, max_pages=3) | {"output_config": {"format": "csv"}}
    done = project.run("task", *TELLING, **environment(project, asked, api.url, COMPLETION_SECONDS="1"))
    assert done.returncode == 0, done.stderr
    assert "The platform was not told how the task ended" in done.stderr
    assert "/beyond" not in shop.requests
    result = json.loads((project.folder / "output/result.json").read_text())
    assert result["success"]
    assert [result["result_data"]["crawl_summary"][name] for name in ("total_urls", "successful_urls")] == [3, 3]
    assert (project.folder / "output/pages.csv").read_text().count(shop.url) == 3


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_ends_the_task_in_order_and_cuts_what_takes_too_long(
    project: Project, api: MonitoringServer, shop: Site, number: signal.Signals, code: int
):
    with DemoServer(port=0) as slow:
        asked = config(shop.url, "/lamp", f"{slow.url}/hostile/slow?seconds=600")
        values = environment(project, asked, api.url, SHUTDOWN_SECONDS="0.2")
        process = project.start("task", *TELLING, "-s", "ROBOTSTXT_OBEY=False", **values)
        partial = project.folder / "output/images.jsonl.partial"
        wait_until(lambda: partial.exists() and partial.stat().st_size and slow.requests)
        process.send_signal(number)
        _, said = process.communicate(timeout=60)
    assert process.returncode == code, said
    assert f"scrapy task: the task was ended by {number.name}" in said
    assert "Traceback" not in said
    (completion,) = api.completions
    assert (completion["success"], completion["error_message"]) == (False, f"the task was ended by {number.name}")
    summary = completion["result_data"]["crawl_summary"]
    assert [summary[name] for name in ("status", "total_urls", "successful_urls")] == ["stopped", 2, 1]
    assert [page["title"] for page in lines(project.folder / "output/pages.jsonl")] == ["Lamp"]
    assert project.folder.joinpath("output/catalog.sqlite3").exists()


def test_a_signal_before_the_crawl_has_begun_is_reported_too(project: Project, api: MonitoringServer):
    values = environment(project, None, api.url)
    os.mkfifo(values["CONFIG_PATH"])  # reading it takes as long as the test wants
    process = project.start("task", *TELLING, **values)
    wait_until(lambda: api.heartbeats)
    process.send_signal(signal.SIGTERM)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 143, said
    assert [body["error_message"] for body in api.completions] == ["the task was ended by SIGTERM"]


def test_killed_it_leaves_whole_lines_and_the_next_run_begins_anew_though_the_api_is_away(project: Project, shop: Site):
    with DemoServer(port=0) as slow:
        asked = config(shop.url, "/lamp", f"{slow.url}/hostile/slow?seconds=600")
        process = project.start("task", *TELLING, "-s", "ROBOTSTXT_OBEY=False", **environment(project, asked))
        partial = project.folder / "output/images.jsonl.partial"
        wait_until(lambda: partial.exists() and partial.stat().st_size)
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=60)
        assert len(lines(project.folder / "output/pages.jsonl.partial")) == 1
    away = environment(
        project, config(shop.url, "/", "/lamp"), f"http://127.0.0.1:{free_port()}", COMPLETION_SECONDS="1"
    )
    done = project.run("task", *TELLING, **away)
    assert done.returncode == 0, done.stderr
    assert "ConnectionRefusedError" in done.stderr
    assert json.loads((project.folder / "output/result.json").read_text())["success"]
    assert len(lines(project.folder / "output/pages.jsonl")) == 2
    assert not partial.exists()


@pytest.mark.parametrize(
    ("config", "values", "message"),
    [
        (None, {}, "CONFIG_PATH="),
        ({"base_url": "http://127.0.0.1/"}, {"OUTPUT_DIR": "/dev/null/output"}, "OUTPUT_DIR='/dev/null/output'"),
    ],
    ids=["missing", "output"],
)
def test_a_wrong_configuration_is_one_line_exit_code_2_and_a_completion(
    project: Project, api: MonitoringServer, config: object, values: dict[str, str], message: str
):
    done = project.run("task", *TELLING, **environment(project, config, api.url) | values)
    assert done.returncode == 2
    said = done.stderr.splitlines()[-1]
    assert said.startswith("scrapy task: ")
    assert message in said
    (completion,) = api.completions
    assert not completion["success"]
    assert said == f"scrapy task: {completion['error_message']}"


def test_a_wrong_setting_is_reported_too(project: Project, api: MonitoringServer):
    values = environment(project, {"base_url": "http://127.0.0.1/"}, api.url)
    done = project.run("task", *TELLING, "-s", "HOST_CONCURRENCY=0", **values)
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    assert "HOST_CONCURRENCY='0' is not allowed" in api.completions[0]["error_message"]


def test_a_task_of_which_no_page_could_be_read_or_written_has_failed(
    project: Project, api: MonitoringServer, shop: Site
):
    done: subprocess.CompletedProcess[str] = project.run(
        "task", *TELLING, **environment(project, config(shop.url, "/gone"), api.url)
    )
    assert done.returncode == 1
    assert "no start URL could be fetched" in api.completions[0]["error_message"]

    (project.folder / "output/images.jsonl.partial").symlink_to("/dev/full")
    done = project.run("task", *TELLING, **environment(project, config(shop.url, "/lamp"), api.url))
    assert done.returncode == 1
    assert "cannot be written: No space left on device" in api.completions[1]["error_message"]
