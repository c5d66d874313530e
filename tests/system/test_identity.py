"""Whole crawls, and what the sites saw of them."""

from __future__ import annotations

import re

import pytest

from image_spider.identity.choice import choose
from image_spider.identity.user_agents import load_user_agents
from tests.images import a_png
from tests.project import Project
from tests.raw_site import RawSite

ROBOTS = "User-agent: image_spider\nDisallow: /private\n\nUser-agent: *\nDisallow:\n"


@pytest.fixture
def project(tmp_path) -> Project:
    return Project(tmp_path)


def value(lines: list[str], name: str) -> str:
    return next((line.partition(": ")[2] for line in lines if line.startswith(f"{name}: ")), "")


def agents(site: RawSite) -> dict[str, set[str]]:
    """Return path -> the User-Agents that asked for it."""
    seen: dict[str, set[str]] = {}
    for head in site.heads:
        seen.setdefault(head.split(b" ")[1].decode(), set()).add(
            value(head.decode("latin-1").splitlines(), "User-Agent")
        )
    return seen


def test_a_host_sees_one_browser_whose_headers_fit_and_robots_txt_the_honest_agent(project: Project):
    images = {f"/{number}.png": a_png(number) for number in (1, 2)}
    with RawSite({**images, "/robots.txt": ROBOTS}, address="127.0.0.2") as pictures:
        page = f'<img src="{pictures.url}/1.png"><img src="/1.png"><a href="/b">b</a><a href="/private">p</a>'
        pages = {"/": page, "/b": f'<img src="{pictures.url}/2.png">', "/private": "<p>no</p>", "/robots.txt": ROBOTS}
        with RawSite({**images, **pages}) as site:
            assert (
                project.crawl(site.url, "-s", "USER_AGENTS=rotate", "-s", "USER_AGENTS_LANGUAGES=zh-CN,zh").returncode
                == 0
            )
    browsers = load_user_agents("rotate").profiles
    for server, address in ((site, "127.0.0.1"), (pictures, "127.0.0.2")):
        seen = agents(server)
        assert re.fullmatch(r"image_spider/\S+ \(\+http://127.0.0.1/\)", *seen.pop("/robots.txt"))
        assert set().union(*seen.values()) == {choose(browsers, site=address, proxy="").user_agent}
        for path in seen:
            (lines,) = server.headers(path)
            assert value(lines, "Accept-Language").startswith("zh-CN,zh;q=0.")
            assert value(lines, "Accept").startswith("image/" if path.endswith(".png") else "text/html,")
    assert set(agents(site)) == {"/robots.txt", "/", "/b", "/1.png"}
    assert set(agents(pictures)) == {"/robots.txt", "/1.png", "/2.png"}
    assert project.rows("select count(*) from images") == [(2,)]


def test_a_redirect_to_another_host_shows_that_hosts_browser(project: Project):
    with RawSite({"/a": "<p>there</p>"}, address="127.0.0.3") as other:
        with RawSite({"/": f"-> {other.url}/a"}) as site:
            project.crawl(site.url, "-s", "USER_AGENTS=rotate")
        browsers = load_user_agents("rotate").profiles
        assert agents(other)["/a"] == {choose(browsers, site="127.0.0.3", proxy="").user_agent}


@pytest.mark.parametrize(("enabled", "back"), [("false", ""), ("true", "visit=1")], ids=["off", "on"])
def test_cookies_go_back_only_where_they_are_on(project: Project, enabled: str, back: str):
    pages = {"/": '<img src="/1.png"><a href="/b">b</a>', "/b": "<p>b</p>", "/1.png": a_png(1)}
    with RawSite(pages, cookies={"/": "visit=1"}) as site:
        project.crawl(site.url, "-s", f"COOKIES_ENABLED={enabled}")
    assert [value(*site.headers(path), "Cookie") for path in ("/", "/b", "/1.png")] == ["", back, back]


def test_a_file_of_user_agents_that_cannot_be_read_is_refused_at_the_start(project: Project):
    (project.folder / "agents.txt").write_text("# none\n")
    with RawSite({"/": "<p>page</p>"}) as site:
        done = project.crawl(site.url, "-s", "USER_AGENTS=agents.txt")
    assert done.returncode == 2
    assert "USER_AGENTS='agents.txt' is not allowed: honest, rotate or a file of User-Agents (it holds 0" in done.stderr
    assert site.heads == []
