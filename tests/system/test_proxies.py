"""Crawls through real proxies: they find what others find, leave what is banned, and show no credentials."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from demo.server import DemoServer
from tests.images import a_png
from tests.project import Project
from tests.proxies import RealProxy
from tests.servers import free_port
from tests.sites import Site
from tests.system.fleet import Fleet
from tests.system.test_local_crawl import EXPECTED, images
from tests.waiting import wait_until

CREDENTIALS = ("anna", "geheim")
SPREAD_SECONDS = 5.0  # a second is the promise; a busy machine may stand still for as long
SHARE = 0.05


def through(*proxies: RealProxy | str, **settings: str) -> dict[str, str]:
    """The environment of a crawl through these proxies."""
    urls = " ".join(proxy if isinstance(proxy, str) else proxy.url() for proxy in proxies)
    return {"PROXIES": "env", "PROXY_LIST": urls, "PROXY_CONNECT_SECONDS": "20"} | settings


def gallery(pages: int) -> dict[str, str | bytes]:
    """A page with links to all others, each with an image of its own."""
    links = "".join(f'<a href="/{page}">x</a>' for page in range(pages))
    made: dict[str, str | bytes] = {"/": f"<html>{links}</html>"}
    for page in range(pages):
        made |= {f"/{page}": f'<html><img src="/{page}.png"></html>', f"/{page}.png": a_png(page)}
    return made


def test_a_crawl_through_proxies_finds_what_one_without_finds_and_shows_no_credentials(
    project: Project, site: DemoServer
):
    with RealProxy(credentials=CREDENTIALS) as plain, RealProxy(credentials=CREDENTIALS) as socks:
        done = project.crawl(site.url, **through(plain, socks.url("socks5")))
        listed = project.run("proxies", **through(plain, socks.url("socks5")))
        as_json = project.run("proxies", "--json", **through(plain, socks.url("socks5")))
    assert done.returncode == 0, done.stderr
    assert images(project) == EXPECTED["images"]
    assert plain.asked
    assert socks.asked, "how often cannot be told: a connection through SOCKS carries many requests"
    assert [row["name"].partition("#")[0] for row in json.loads(as_json.stdout)] == [
        plain.url(credentials=False),
        socks.url("socks5", credentials=False),
    ]
    everything = (
        done.stdout + done.stderr + listed.stdout + as_json.stdout + str(project.rows("select * from failures"))
    )
    for secret in (*CREDENTIALS, "YW5uYTpnZWhlaW0"):
        assert secret not in everything


def test_what_bad_proxies_spoil_comes_through_another_one(project: Project):
    moods = ("ban", "challenge", "page", "packed", "html", "cut", "lost")
    with ExitStack() as stack:
        site = stack.enter_context(Site(gallery(30)))
        bad = [stack.enter_context(RealProxy(mood=mood)) for mood in moods]
        good = stack.enter_context(RealProxy())
        settings = {"PROXY_BAN_BODY": "sign in|just a moment", "PROXY_TRIES": "8", "PROXY_STRATEGY": "round_robin"}
        done = project.crawl(site.url, "-s", "RETRY_TIMES=9", **through(*bad, good, **settings))
    assert done.returncode == 0, done.stderr
    assert all(proxy.asked for proxy in bad)
    assert project.rows("select cause, detail from failures") == []
    assert project.rows("select count(*) from images") == [(30,)]
    assert done.stderr.count("a page that says 'Just a moment'") == 2
    for reason in ("HTTP 403", "a redirect to 'captcha'", "a page that says 'sign in'"):
        assert reason in done.stderr


def test_a_page_that_is_refused_through_every_proxy_is_a_failure_and_no_ban(project: Project):
    pages = gallery(8)
    links = str(pages["/"])
    with Site(pages | {"/": f'{links}<a href="/secret">x</a>'}) as site:
        site.statuses = {"/secret": 403}
        with RealProxy() as one, RealProxy() as other:
            project.crawl(site.url, **through(one, other, PROXY_TRIES="2"))
    assert project.rows("select cause, detail from failures") == [("status", "HTTP 403")]
    assert site.requests.count("/secret") == 2
    assert project.rows("select count(*) from images") == [(8,)]


def test_without_a_usable_proxy_nothing_is_asked_directly_and_the_cause_is_told(project: Project):
    with Site(gallery(2)) as site:
        nobody = f"http://anna:geheim@127.0.0.1:{free_port()}"
        done = project.crawl(site.url, **through(nobody, PROXY_FALLBACK="fail", PROXY_FAILURES="1"))
        assert site.requests == []
    assert done.returncode == 1
    ((cause, detail),) = project.rows("select cause, detail from failures")
    assert cause == "proxy"
    assert "no proxy" in detail or "cannot be reached" in detail
    assert "geheim" not in done.stderr + detail


def test_a_crawl_goes_on_directly_only_where_that_is_allowed(project: Project):
    with Site(gallery(3)) as site:
        nobody = f"http://127.0.0.1:{free_port()}"
        project.crawl(site.url, **through(nobody, PROXY_FALLBACK="direct", PROXY_FAILURES="1"))
        assert "/0.png" in site.requests
    assert project.rows("select count(*) from images") == [(3,)]


def test_a_crawl_waits_for_a_proxy_that_a_file_names_later(project: Project, tmp_path: Path):
    file = tmp_path / "proxies.txt"
    file.write_text(f"127.0.0.1:{free_port()}\n")
    settings = {"PROXIES": "file", "PROXY_FILE": str(file), "PROXY_FAILURES": "1", "PROXY_TRIES": "9"}
    with Site(gallery(3)) as site, RealProxy() as proxy:
        crawl = project.start("crawl", "images", "-a", f"url={site.url}", "-s", "CONTACT_URL=http://127.0.0.1/",
                              "--logfile=log", **settings)  # fmt: skip
        log = tmp_path / "log"
        wait_until(lambda: log.exists() and "rests for" in log.read_text())
        file.with_suffix(".new").write_text(f"{proxy.url()}\n")
        file.with_suffix(".new").replace(file)
        crawl.communicate(timeout=60)
    assert "1 proxies from now on" in log.read_text()
    assert project.rows("select count(*) from images") == [(3,)]


@pytest.mark.parametrize(
    ("words", "environment", "said"),
    [
        ((), {}, "PROXIES='' is not allowed"),
        ((), {"PROXIES": "redis"}, "PROXIES='redis' is not allowed"),
        ((), {"PROXIES": "env", "PROXY_LIST": "me:geheim@nowhere"}, "PROXY_LIST, line 1='***'"),
        (("--add", "me:geheim@a:1"), {"PROXIES": "env", "PROXY_LIST": "a:1"}, "REDIS_URL"),
        (("--add", "a:1", "--remove", "a:1"), {"PROXIES": "env", "PROXY_LIST": "a:1"}, "at most one"),
    ],
)
def test_the_command_says_what_is_wrong(
    project: Project, words: tuple[str, ...], environment: dict[str, str], said: str
):
    done = project.run("proxies", *words, **environment)
    assert done.returncode == 2, done.stderr
    assert said in done.stderr
    assert "geheim" not in done.stderr


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    with Fleet(tmp_path) as fleet:
        fleet.environment |= {"PROXIES": "redis", "PROXY_FAILURES": "100000"}  # weights alone, where nothing is banned
        yield fleet


def rows(fleet: Fleet) -> dict[str, dict[str, Any]]:
    """What `scrapy proxies` shows, by name."""
    return {row["name"]: row for row in json.loads(fleet.run("proxies", "--json").stdout)}


def test_four_workers_leave_a_banned_proxy_and_send_little_to_a_bad_one(fleet: Fleet):
    pages: dict[str, str | bytes] = {f"/{page}": "<html></html>" for page in range(400)}
    pages["/"] = pages["/?again"] = "".join(f'<a href="{page}">x</a>' for page in pages)
    with ExitStack() as stack:
        site = stack.enter_context(Site(pages))
        one, other, banned = (stack.enter_context(RealProxy(credentials=CREDENTIALS)) for _ in range(3))
        bad = stack.enter_context(RealProxy(fails=0.9))
        added = fleet.run("proxies", "--add", one.url(), other.url(), banned.url())
        assert added.stdout == "3 proxies added, 0 renewed\n"
        for _ in range(4):
            fleet.launch_worker("-s", "HOST_DELAY_SECONDS=0.01", "-s", "HOST_CONCURRENCY=16")
        fleet.wait_for_joined()
        fleet.push({"url": f"{site.url}/", "crawl_id": "first"})
        wait_until(lambda: len(banned.asked) > 30)
        banned.mood = "ban"
        wait_until(lambda: any("rests for" in fleet.log(number) for number in range(4)))
        told = time.monotonic()
        assert wait_until(lambda: fleet.recorded("first")) == ("completed", "finished")
        print(f"last asked {max(banned.times) - told:+.2f} s after its ban was told")
        assert max(banned.times) < told + SPREAD_SECONDS
        assert fleet.rows("select count(*) from failures") == [(0,)]
        shown = rows(fleet)
        name = next(name for name in shown if str(banned.port) in name)
        assert shown[name]["banned_by"] == 1
        hosts = json.loads(fleet.run("proxies", "--hosts", name, "--json").stdout)
        assert [(host["name"], host["reason"]) for host in hosts] == [("127.0.0.1", "HTTP 403")]

        assert fleet.run("proxies", "--remove", name).stdout == "1 proxies removed\n"
        assert fleet.run("proxies", "--add", bad.url()).stdout == "1 proxies added, 0 renewed\n"
        before = len(one.asked) + len(other.asked)
        fleet.push({"url": f"{site.url}/?again", "crawl_id": "again"})
        assert wait_until(lambda: fleet.recorded("again")) == ("completed", "finished")
        sent = len(one.asked) + len(other.asked) - before
        print(f"{len(bad.asked)} of {sent + len(bad.asked)} requests to a proxy that fails nine times in ten")
        assert bad.asked
        assert len(bad.asked) <= SHARE * (sent + len(bad.asked))
        everything = "".join(fleet.log(number) for number in range(4)) + str(shown)
    for secret in CREDENTIALS:
        assert secret not in everything
