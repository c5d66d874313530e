"""Workers that share one Redis find what a local run finds, and lose nothing when one of them goes."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from demo.server import DemoServer
from tests.images import a_png
from tests.project import Project
from tests.sites import Site
from tests.system.fleet import FRONTIER, Fleet
from tests.system.test_local_crawl import EXPECTED, failures, images
from tests.waiting import wait_until


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    with Fleet(tmp_path) as fleet:
        yield fleet


def gallery(pages: int, images_each: int) -> dict[str, str | bytes]:
    """A site of pages in a chain of links, each with images of its own."""
    made: dict[str, str | bytes] = {}
    for page in range(pages):
        links = "".join(f'<a href="/{child}">x</a>' for child in (2 * page + 1, 2 * page + 2) if child < pages)
        tags = "".join(f'<img src="/{page}-{number}.png">' for number in range(images_each))
        made["/" if page == 0 else f"/{page}"] = f"<html>{links}{tags}</html>"
        made |= {f"/{page}-{number}.png": a_png(page * images_each + number) for number in range(images_each)}
    return made


@pytest.mark.parametrize("workers", [1, 4])
def test_a_fleet_finds_what_a_local_run_finds(fleet: Fleet, site: DemoServer, workers: int):
    for _ in range(workers):
        fleet.start_worker()
    fleet.push(f"{site.url}/")
    assert wait_until(lambda: fleet.recorded("default")) == ("completed", "finished")
    assert images(fleet) == EXPECTED["images"]
    assert failures(fleet, "image_url") == EXPECTED["failures"]
    assert failures(fleet, "page_url") == EXPECTED["page_failures"]
    fleet.assert_files_and_rows_agree()
    asked = [path for _, path in site.requests if path.startswith("/media/")]
    assert sorted(set(asked)) == sorted(asked), "an image was downloaded twice"
    names = [f"{FRONTIER}:{name}" for name in ("payloads", "ready", "busy", "delayed", "attempts")]
    wait_until(lambda: fleet.redis.ask("EXISTS", *names) == ":0", what="the frontier to be empty")


def test_a_worker_that_ends_gives_back_pages_that_wait_for_robots_txt(fleet: Fleet):
    with Site(gallery(1, 1)) as site:
        site.statuses["/robots.txt"] = 503
        worker = fleet.start_worker("-s", "RETRY_DELAY_SECONDS=20")
        fleet.push(f"{site.url}/")
        wait_until(lambda: "/robots.txt" in site.requests)
        assert fleet.stop(worker) == 130
        assert site.requests == ["/robots.txt"]
        assert fleet.state("default") == "running"
        site.statuses.clear()
        fleet.start_worker()
        assert wait_until(lambda: fleet.recorded("default")) == ("completed", "finished")
        assert len(fleet.rows("select * from images")) == 1


def test_a_run_with_a_url_ends_with_its_crawl_and_says_so(fleet: Fleet, site: DemoServer):
    done = fleet.crawl(site.url, "-a", "crawl_id=mine")
    assert done.returncode == 0, done.stderr
    assert "Crawl mine: finished" in done.stderr
    assert images(fleet) == EXPECTED["images"]
    assert fleet.rows("select id, state, reason, pages from crawls") == [
        ("mine", "completed", "finished", len(EXPECTED["pages"]))
    ]


@pytest.mark.parametrize("verb", ["LPUSH", "SADD", "ZADD"])
def test_start_urls_are_taken_from_a_list_a_set_and_a_sorted_set(fleet: Fleet, verb: str):
    fleet.start_worker()
    with Site({"/": '<img src="/a.png">', "/a.png": a_png(1), "/other": "<p>other</p>"}) as site:
        pushed = time.monotonic()
        fleet.push(f"{site.url}/", verb=verb)
        wait_until(lambda: "/" in site.requests)
        assert time.monotonic() - pushed < 4  # scrapy-redis looks every 5 s
        fleet.push({"url": f"{site.url}/other", "crawl_id": "json", "max_depth": 0}, verb=verb)
        assert wait_until(lambda: fleet.recorded("json")) == ("completed", "finished")
        assert wait_until(lambda: fleet.recorded("default")) == ("completed", "finished")
    assert fleet.rows("select max_depth from crawls where id = 'json'") == [(0,)]


def test_what_is_no_start_url_is_kept_with_the_reason(fleet: Fleet):
    fleet.start_worker()
    for entry in ("ftp://a.example/", '{"url": 7}', '{"url": "http://a.example/", "max_images": "many"}', "{"):
        fleet.push(entry)
    wait_until(lambda: fleet.redis.ask("LLEN", "images:start_urls:rejected") == ":4")
    rejected = fleet.redis.ask("LRANGE", "images:start_urls:rejected", 0, -1)
    assert "ftp://a.example/" in rejected
    assert "a whole number from 1" in rejected
    wait_until(lambda: fleet.redis.ask("EXISTS", "images:start_urls", "{images:start_urls}:taken") == ":0")


def test_sigterm_gives_back_what_was_not_done_and_another_worker_does_it(fleet: Fleet):
    with Site(gallery(30, 3)) as site:
        first = fleet.start_worker("-s", "HOST_DELAY_SECONDS=0.05")
        fleet.push(f"{site.url}/")
        wait_until(lambda: len(site.requests) > 20)
        assert fleet.stop(first) == 130
        assert "has left the fleet" in fleet.log(0)
        assert fleet.redis.ask("ZCARD", f"{FRONTIER}:workers") == ":0"
        assert int(fleet.fields("default")["outstanding"]) > 0
        fleet.start_worker()
        assert wait_until(lambda: fleet.recorded("default")) == ("completed", "finished")
        assert fleet.rows("select count(*) from images") == [(90,)]


def test_sigterm_waits_for_a_slow_answer_no_longer_than_told(fleet: Fleet, site: DemoServer):
    worker = fleet.start_worker("-s", "SHUTDOWN_SECONDS=1")
    fleet.push(f"{site.url}/hostile/slow?seconds=60")
    wait_until(lambda: any("slow" in path for _, path in site.requests))
    told = time.monotonic()
    assert fleet.stop(worker) == 130
    assert 1 < time.monotonic() - told < 15
    assert "Traceback" not in fleet.log(0)
    fields = fleet.fields("default")
    assert (fields["outstanding"], fields["state"]) == ("1", "running")
    assert "retried" not in fields
    assert fleet.rows("select count(*) from failures") == [(0,)]


def test_a_worker_that_leaves_touches_neither_queue_nor_filter(fleet: Fleet):
    with Site(gallery(60, 1)) as site:
        slow = ("-s", "HOST_DELAY_SECONDS=0.1")
        first, _ = fleet.start_worker(*slow), fleet.start_worker(*slow)
        fleet.push(f"{site.url}/")
        wait_until(lambda: len(site.requests) > 15)
        fleet.stop(first)
        assert fleet.redis.ask("EXISTS", f"{FRONTIER}:seen:default", f"{FRONTIER}:payloads") == ":2"
        assert wait_until(lambda: fleet.recorded("default")) == ("completed", "finished")
        pages = [path for path in site.requests if path.count("-") == 0 and path != "/robots.txt"]
        assert len(set(pages)) == 60
        assert len(pages) <= 60 + 8  # what the one that left had in hand was asked for again


def test_the_requests_of_a_killed_worker_are_done_by_another(fleet: Fleet):
    fleet.environment["LEASE_SECONDS"] = "4"
    with Site(gallery(40, 2)) as site:
        first, _ = (
            fleet.start_worker("-s", "HOST_DELAY_SECONDS=0.02"),
            fleet.start_worker("-s", "HOST_DELAY_SECONDS=0.02"),
        )
        fleet.push(f"{site.url}/")
        wait_until(lambda: len(site.requests) > 30)
        fleet.stop(first, signal.SIGKILL)
        assert wait_until(lambda: fleet.recorded("default")) == ("completed", "finished")
        assert fleet.rows("select count(*) from images") == [(80,)]
    fleet.assert_files_and_rows_agree()


@pytest.mark.parametrize("end", ["resume", "stop"])
def test_pause_resume_and_stop_take_effect_within_two_seconds(fleet: Fleet, end: str):
    with Site(gallery(10, 60)) as site:  # most requests are image downloads in flight
        for _ in range(2):
            fleet.start_worker("-s", "HOST_DELAY_SECONDS=0.05")
        fleet.push(f"{site.url}/")
        wait_until(lambda: len(site.requests) > 40)
        assert fleet.run("crawls", "default", "--pause").returncode == 0
        deadline = time.monotonic() + 2
        wait_until(lambda: time.monotonic() > deadline)
        asked, quiet = len(site.requests), time.monotonic() + 1
        wait_until(lambda: time.monotonic() > quiet)
        assert len(site.requests) == asked
        assert asked < 600
        assert fleet.run("crawls", "default", f"--{end}").returncode == 0
        if end == "resume":
            assert wait_until(lambda: fleet.recorded("default")) == ("completed", "finished")
            assert fleet.rows("select count(*) from images") == [(600,)]
        else:
            assert wait_until(lambda: fleet.recorded("default")) == ("stopped", "stopped")
            assert len(site.requests) == asked
            assert fleet.fields("default")["outstanding"] == "0"


def test_max_images_is_exact_across_workers(fleet: Fleet):
    with Site(gallery(10, 10)) as site:
        for _ in range(3):
            fleet.start_worker()
        fleet.push({"url": f"{site.url}/", "crawl_id": "few", "max_images": 17})
        assert wait_until(lambda: fleet.recorded("few")) == ("completed", "max_images")
        assert fleet.rows("select count(*) from images") == [(17,)]
        assert len(fleet.files()) == 17


def test_a_crawl_that_had_its_images_goes_on_with_a_higher_limit(fleet: Fleet):
    with Site(gallery(1, 60)) as site:
        fleet.start_worker()
        for limit in (17, 30):
            fleet.push({"url": f"{site.url}/", "crawl_id": "few", "max_images": limit})
            assert wait_until(lambda: fleet.recorded("few")) == ("completed", "max_images")
            wait_until(lambda most=limit: fleet.rows("select count(*) from images") == [(most,)])
            heard = time.monotonic() + 2  # by then every worker knows that it has ended
            wait_until(lambda moment=heard: time.monotonic() > moment)


def test_an_idle_worker_ends_only_when_it_is_told_to(fleet: Fleet):
    worker = fleet.start_worker("-s", "MAX_IDLE_TIME_BEFORE_CLOSE=1")
    assert worker.wait(timeout=30) == 0


def test_push_and_crawls_serve_a_fleet(fleet: Fleet, tmp_path: Path):
    with Site(gallery(5, 1)) as site:
        file = tmp_path / "urls.txt"
        file.write_text(f"# mine\n{site.url}/\n\n{site.url}/1\n")
        pushed = fleet.run("push", "--file", file, "--crawl-id", "c", "--max-images", 3)
        assert pushed.stdout == "2 start URLs pushed to images:start_urls\n"
        assert "2 start URLs wait" in fleet.run("crawls").stdout
        fleet.start_worker()
        wait_until(lambda: fleet.recorded("c"))
        shown = fleet.run("crawls", "c", "--workers").stdout
        assert "stopped" in shown
        assert " yes" in shown
        assert "seen: " in shown


def test_a_request_that_cannot_be_queued_is_a_dead_letter_that_can_be_read_and_nobody_stops(fleet: Fleet):
    fleet.start_worker()
    pages = {"/": "".join(f'<a href="{page}">x</a>' for page in ("/1", "/2", "/ok")), "/ok": "<p>ok</p>"}
    with Site({**pages, "/1": "-> https:///x", "/2": "-> http://a b/"}) as site:
        fleet.push(f"{site.url}/")
        assert wait_until(lambda: fleet.recorded("default")) == ("completed", "finished")
    assert {name: fleet.fields("default")[name] for name in ("dead", "pages")} == {"dead": "2", "pages": "2"}
    told = fleet.run("crawls", "default", "--dead").stdout.splitlines()
    assert sorted(told) == [f"0\tthe URL has no usable host: {url}\t{url}" for url in ("http://a b/", "https:///x")]
    assert fleet.run("crawls", "default", "--requeue-dead").stdout == "0 requests of default are queued again\n"
    assert fleet.stop(fleet.workers[0]) == 130


def test_commands_say_what_is_wrong(fleet: Fleet):
    for words, code, said in (
        (("push", "ftp://a.example/"), 2, "an http"),
        (("push", "https://a.example/", "--max-images", "0"), 2, "max_images='0'"),
        (("push", "--file", "/no/such/file"), 1, "No such file"),
        (("crawls", "none"), 2, "crawl='none' is not allowed"),
        (("crawls", "none", "--stop"), 2, "crawl='none' is not allowed"),
        (("crawls", "none", "--dead"), 2, "crawl='none' is not allowed"),
        (("crawls", "none", "--dead", "--stop"), 2, "at most one of"),
        (("push", "https://a.example/", "-s", "REDIS_URL="), 2, "REDIS_URL"),
        (("crawls", "-s", "REDIS_URL=redis://127.0.0.1:1/0"), 1, ""),
        (("crawl", "images", "-s", "REDIS_URL=redis://127.0.0.1:1/0"), 1, "The crawl stops"),
    ):
        done = fleet.run(*words)
        assert done.returncode == code, (words, done.stderr)
        assert said in done.stderr
        assert "Traceback" not in done.stderr


def test_without_a_fleet_the_crawls_of_the_catalog_are_listed(project: Project):
    with Site({"/": "<p>home</p>"}) as site:
        project.crawl(site.url, "-a", "crawl_id=local")
    listed = project.run("crawls")
    assert "local" in listed.stdout
    assert "completed" in listed.stdout
    assert json.dumps(listed.stderr) == '""'
