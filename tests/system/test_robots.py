"""Whole crawls of sites whose robots.txt cannot be had: nothing is asked for before it is known what is forbidden."""

from __future__ import annotations

from pathlib import Path

from tests.images import a_png
from tests.project import FAST, Project
from tests.system.fleet import Fleet
from tests.troubled_site import DROPPED, Answer, TroubledSite

SOON = ("-s", "RETRY_DELAY_SECONDS=0.1", "-s", "BREAKER_FAILURES=100", "-s", "HOST_DELAY_MAX_SECONDS=0.1")
BUSY = Answer(status=503, body=b"User-agent: *\nAllow: /\n")
RULES = Answer(body=b"User-agent: *\nDisallow: /private\n")
START = Answer(body=b'<a href="/private">p</a><a href="/open">o</a><img src="/image.png"><img src="/private.png">')
PAGES = {"/": START, "/open": Answer(), "/private": Answer(), "/image.png": Answer(body=a_png(1))}
TRIES = 1 + 2 + 2  # RETRY_TIMES in the first round, and as many rounds


def failures(project: Project) -> set[tuple[str, str]]:
    rows = project.rows("select coalesce(image_url, page_url), cause from failures")
    return {("/" + url.split("/", 3)[3], cause) for url, cause in rows}


def test_of_a_site_whose_robots_txt_cannot_be_had_nothing_else_is_asked_for(project: Project):
    with TroubledSite({**PAGES, "/robots.txt": BUSY}, address="127.0.0.2") as silent:
        image = Answer(body=f'<img src="{silent.url}/image.png">'.encode())
        with TroubledSite({"/": image}) as site:
            done = project.crawl(f"{site.url}/,{silent.url}/", *SOON)
    assert "Traceback" not in done.stderr, done.stderr
    assert {path for _, path in silent.log} == {"/robots.txt"}
    assert len(silent.log) <= 2 * TRIES
    assert failures(project) == {("/", "robots"), ("/image.png", "robots")}
    details = {detail for (detail,) in project.rows("select detail from failures")}
    assert all("robots.txt unreachable: " in detail for detail in details)


def test_what_a_robots_txt_says_that_comes_at_last_is_obeyed_and_nothing_is_lost(tmp_path: Path):
    answers = {**PAGES, "/robots.txt": [*[DROPPED] * (TRIES - 1), RULES]}
    with TroubledSite(answers) as site, Fleet(tmp_path) as fleet:
        done = fleet.run("crawl", "images", "-a", f"url={site.url}/", *FAST, *SOON)
        assert "Traceback" not in done.stderr, done.stderr
    paths = [path for _, path in site.log]
    assert paths[:TRIES] == ["/robots.txt"] * TRIES
    assert sorted(paths[TRIES:]) == ["/", "/image.png", "/open"]
    assert failures(fleet) == {("/private", "robots"), ("/private.png", "robots")}
    assert fleet.rows("select count(*) from sightings") == [(1,)]
