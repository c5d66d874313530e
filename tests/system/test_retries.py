"""What failed is tried again: later, not too often, and nothing else waits for it."""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.images import a_png
from tests.project import FAST, Project
from tests.system.fleet import Fleet
from tests.troubled_site import DROPPED, Answer, TroubledSite
from tests.waiting import wait_until

SOON = ("-s", "RETRY_DELAY_SECONDS=0.2", "-s", "HOST_DELAY_MAX_SECONDS=0.1")
BUSY = Answer(status=503, body=b"")
BROKEN = Answer(status=500, body=b"")
PAGE = Answer(body=b'<html><img src="{url}/image.png"></html>')
IMAGE = Answer(body=a_png(1))


def page(*paths: str) -> Answer:
    return Answer(body="".join(f'<a href="{path}">x</a><img src="{path}.png">' for path in paths).encode())


def failures(project: Project) -> dict[str, str]:
    rows = project.rows("select coalesce(image_url, page_url), cause from failures")
    return {url.rpartition("/")[2]: cause for url, cause in rows}


def crawl_locally(folder: Path, url: str, *words: str) -> Project:
    project = Project(folder)
    done = project.crawl(url, *words)
    assert "Traceback" not in done.stderr, done.stderr
    return project


def crawl_as_a_fleet(folder: Path, url: str, *words: str) -> Project:
    with Fleet(folder) as fleet:
        done = fleet.run("crawl", "images", "-a", f"url={url}", *FAST, *words)
        assert done.returncode == 0, done.stderr
        assert "Traceback" not in done.stderr, done.stderr
        return fleet


@pytest.fixture(params=[crawl_locally, crawl_as_a_fleet], ids=["local", "fleet"])
def crawl(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[..., Project]:
    return lambda url, *words: request.param(tmp_path, url, *words)


def test_pages_and_images_are_tried_again_and_what_comes_at_last_is_no_failure(crawl: Callable[..., Project]):
    answers = {
        "/": page("/busy", "/dropped", "/gone"),
        "/busy": [BUSY, BUSY, PAGE],
        "/dropped": [DROPPED, DROPPED, PAGE],
        "/busy.png": [BUSY, BUSY, IMAGE],
        "/dropped.png": [DROPPED, IMAGE],
        "/image.png": IMAGE,
        "/gone.png": BUSY,
    }
    with TroubledSite(answers) as site:
        project = crawl(site.url + "/", *SOON)
        times = {path: len(site.asked(path)) for path in (*answers, "/gone", "/robots.txt")}
    assert failures(project) == {"gone": "status", "gone.png": "status"}
    assert project.rows("select count(*) from sightings") == [(4,)]
    assert times == {
        "/": 1,
        "/busy": 3,
        "/dropped": 3,
        "/busy.png": 3,
        "/dropped.png": 2,
        "/image.png": 1,
        "/gone.png": 3,
        "/gone": 1,
        "/robots.txt": 1,
    }


def test_scrapys_own_settings_of_retries_are_honoured(tmp_path: Path):
    answers = {"/": page("/busy", "/teapot"), "/busy": BUSY, "/teapot": Answer(status=418), "/teapot.png": IMAGE}
    with TroubledSite(answers) as site:
        project = crawl_locally(tmp_path, site.url + "/", *SOON, "-s", "RETRY_TIMES=1", "-s", "RETRY_HTTP_CODES=418")
        assert len(site.asked("/busy")) == 1
        assert len(site.asked("/teapot")) == 2
    assert failures(project)["teapot"] == "status"


@pytest.mark.parametrize("way", [signal.SIGINT, signal.SIGKILL], ids=["Ctrl-C", "kill -9"])
def test_a_request_that_waits_for_its_retry_survives_the_end_of_a_local_run(project: Project, way: int):
    answers = {"/": page("/later"), "/later": [BROKEN, PAGE], "/later.png": IMAGE, "/image.png": IMAGE}
    days = 10**6  # the wait is drawn from all this time
    words = ("-s", "JOBDIR=job", "-s", f"RETRY_DELAY_SECONDS={days}", "-s", f"RETRY_DELAY_MAX_SECONDS={days}")
    with TroubledSite(answers) as site:
        first = project.start_crawl(site.url + "/", *words)
        wait_until(lambda: site.asked("/later"))
        wait_until(lambda: (project.data / "catalog.sqlite3").exists() and project.rows("select 1 from sightings"))
        first.send_signal(way)
        first.communicate(timeout=60)
        assert len(site.asked("/later")) == 1
        done = project.crawl(site.url + "/", *words)
        assert done.returncode == 0, done.stderr
        assert len(site.asked("/later")) == 2
    assert {url.rpartition("/")[2] for (url,) in project.rows("select image_url from sightings")} == {
        "later.png",
        "image.png",
    }
