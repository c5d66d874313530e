"""Hosts that are down, that ask to be left alone, or that have more visitors than they bear."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from itertools import pairwise
from pathlib import Path

import pytest

from tests.images import a_png
from tests.project import FAST, Project
from tests.system.fleet import Fleet
from tests.troubled_site import DROPPED, Answer, TroubledSite
from tests.waiting import wait_until

QUICK_BREAKER = {
    "RETRY_DELAY_SECONDS": "0.1",
    "BREAKER_FAILURES": "4",
    "BREAKER_SECONDS": "0.2",
    "BREAKER_OPENINGS": "2",
    "HOST_CONCURRENCY": "2",
}
BUDGET = 4 + 2  # BREAKER_FAILURES and BREAKER_OPENINGS
UNDER_WAY = 12  # HOST_CONCURRENCY and a robots.txt of each worker, when the breaker opens and at each probe


class BusySite(TroubledSite):
    """Bears five requests in a second, and refuses the others."""

    def __init__(self, answers: Mapping[str, Answer]) -> None:
        super().__init__(answers)
        self.refused: list[str] = []

    def answer_to(self, path: str, number: int) -> Answer:
        now = time.monotonic()
        if sum(now - moment < 1 for moment, _ in self.log) > 5:
            self.refused.append(path)
            return Answer(status=429, body=b"")
        return super().answer_to(path, number)


def links(*paths: str) -> Answer:
    return Answer(body="".join(f'<a href="{path}">x</a>' for path in paths).encode())


def images(base: str, count: int) -> Answer:
    return Answer(body="".join(f'<img src="{base}/{number}.png">' for number in range(count)).encode())


def locally(folder: Path, url: str, **settings: str) -> Project:
    project = Project(folder)
    done = project.crawl(url, **settings)
    assert "Traceback" not in done.stderr, done.stderr
    return project


def by_a_fleet(folder: Path, url: str, **settings: str) -> Project:
    with Fleet(folder) as fleet:
        fleet.start_worker(**settings)
        done = fleet.run("crawl", "images", "-a", f"url={url}", *FAST, **settings)
        assert done.returncode == 0, done.stderr
        assert "Traceback" not in done.stderr + fleet.log(0), done.stderr + fleet.log(0)
        return fleet


@pytest.fixture(params=[locally, by_a_fleet], ids=["local", "fleet"])
def crawl(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[..., Project]:
    return lambda url, **settings: request.param(tmp_path, url, **settings)


def causes(project: Project, host: str) -> dict[str, int]:
    query = "select cause, count(*) from failures where coalesce(image_url, page_url) like ? group by 1"
    return dict(project.rows(query, f"%{host}%"))


def test_a_dead_host_costs_its_budget_and_no_more(crawl: Callable[..., Project]):
    with TroubledSite({}, otherwise=DROPPED, address="127.0.0.2") as dead:
        with TroubledSite({"/": images(dead.url, 60)}) as site:
            pages = ",".join(f"{dead.url}/page{number}" for number in range(30))
            project = crawl(f"{site.url}/,{pages}", **QUICK_BREAKER)
        failures = causes(project, "127.0.0.2")
        assert sum(failures.values()) == 90
        assert failures.keys() <= {"connection", "host_down"}
        assert failures["host_down"] >= 60
        assert BUDGET <= len(dead.log) <= BUDGET + UNDER_WAY, "of 90 URLs and their robots.txt"


def test_a_host_that_comes_back_loses_nothing_but_time(crawl: Callable[..., Project]):
    answers = {f"/{number}.png": [DROPPED, Answer(body=a_png(number))] for number in range(6)}
    with TroubledSite(answers, address="127.0.0.2") as shaky, TroubledSite({"/": images(shaky.url, 6)}) as site:
        project = crawl(site.url + "/", **QUICK_BREAKER | {"BREAKER_OPENINGS": "9"})
    assert project.rows("select count(*) from sightings") == [(6,)]
    assert causes(project, "127.0.0.2") == {}


def test_retry_after_is_honoured_by_all_workers(tmp_path: Path):
    pages = {f"/{number}": Answer() for number in range(40)}
    pages["/20"] = (Answer(status=429, body=b"", headers={"Retry-After": "8"}), Answer())  # type: ignore[assignment]
    with TroubledSite({"/": links(*pages), **pages}) as site, Fleet(tmp_path) as fleet:
        settings = {"HOST_DELAY_SECONDS": "0.05", "CONTACT_URL": "http://127.0.0.1/"}
        for _ in range(2):
            fleet.start_worker("-s", "HOST_DELAY_SECONDS=0.05", **settings)
        fleet.push({"url": site.url + "/", "crawl_id": "c"})
        wait_until(lambda: site.asked("/20"))
        wait_until(lambda: fleet.state("c") == "finished")
        assert "127.0.0.1" in fleet.run("crawls", "--hosts").stdout, "it is remembered beyond the crawl"
        (refused, again) = site.asked("/20")
        assert again - refused >= 7.9
        meanwhile = [path for moment, path in site.log if refused + 2 < moment < refused + 7.9]
        assert meanwhile == [], "two seconds for what was under way"
        assert {path for _, path in site.log} >= pages.keys()


def test_a_fleet_that_asks_too_often_slows_down_until_every_page_is_there(tmp_path: Path):
    pages = {f"/{number}": Answer() for number in range(15)}
    with BusySite({"/": links(*pages), **pages}) as site, Fleet(tmp_path) as fleet:
        for _ in range(2):
            fleet.start_worker(RETRY_DELAY_SECONDS="0.1")
        fleet.push({"url": site.url + "/", "crawl_id": "c"})
        wait_until(lambda: fleet.state("c") == "finished")
        assert fleet.rows("select page_url, cause, detail from failures") == []
        assert 0 < len(site.refused) <= len(pages)


@pytest.mark.parametrize(("crawl", "line"), [(locally, "Crawl-delay: 1"), (by_a_fleet, "Request-rate: 2/2")])
def test_what_robots_txt_asks_for_is_never_undercut(crawl: Callable[..., Project], line: str, tmp_path: Path):
    pages = {f"/{number}": Answer() for number in range(3)}
    robots = Answer(body=f"User-agent: image_spider\n{line}\n".encode())
    with TroubledSite({"/robots.txt": robots, "/": links(*pages), **pages}) as site:
        crawl(tmp_path, site.url + "/")
        moments = [moment for moment, path in site.log if path != "/robots.txt"]
        assert len(moments) == 4
        assert min(second - first for first, second in pairwise(moments)) >= 0.95
