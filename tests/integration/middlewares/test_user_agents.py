"""What the middleware does to requests on their way, and takes back."""

from __future__ import annotations

from pathlib import Path

import pytest
from scrapy import Request
from scrapy.http import Response
from scrapy.http.request import NO_CALLBACK
from scrapy.utils.test import get_crawler

from middlewares.user_agents import UserAgentMiddleware
from tests.unit.identity.captures import CHROME, FIREFOX

HONEST = "image_spider/1 (+https://me.example/)"


def middleware(agents: str) -> UserAgentMiddleware:
    return UserAgentMiddleware.from_crawler(get_crawler(settings_dict={"USER_AGENTS": agents, "USER_AGENT": HONEST}))


@pytest.fixture
def rotating() -> UserAgentMiddleware:
    return middleware("rotate")


def agent(request: Request) -> str:
    return (request.headers["User-Agent"] or b"").decode()


def test_an_honest_agent_tells_its_name_and_asks_for_images_as_images():
    page, image = Request("http://a.example/"), Request("http://a.example/i.png", callback=NO_CALLBACK)
    for request in (page, image):
        request.headers["Accept"] = "text/html"
        middleware("honest").process_request(request)
        assert agent(request) == HONEST
        assert not [name for name in request.headers if name.startswith(b"Sec-")]
    assert page.headers["Accept"] == b"text/html"
    assert image.headers["Accept"] == b"image/*,*/*;q=0.8"


def test_robots_txt_is_asked_for_by_the_honest_agent(rotating: UserAgentMiddleware):
    request = Request("https://a.example/robots.txt", callback=NO_CALLBACK)
    rotating.process_request(request)
    assert agent(request) == HONEST


def test_a_user_agent_of_the_requests_own_stays(rotating: UserAgentMiddleware):
    for dresser in (rotating, middleware("honest")):
        request = Request("https://a.example/", headers={"User-Agent": "own/1", "Accept": "a/b"})
        dresser.process_request(request)
        assert dict(request.headers) == {b"User-Agent": [b"own/1"], b"Accept": [b"a/b"]}
        dresser.process_response(request, Response(request.url))
        assert agent(request) == "own/1"


def test_headers_of_the_requests_own_come_along(rotating: UserAgentMiddleware):
    request = Request("https://a.example/", headers={"Range": "bytes=0-9", "Accept": "of Scrapy"})
    rotating.process_request(request)
    assert request.headers["Range"] == b"bytes=0-9"
    assert request.headers.getlist("Accept") != [b"of Scrapy"]


@pytest.mark.parametrize("way_back", ["answered", "failed"])
def test_what_is_made_of_a_request_goes_out_without_its_face(rotating: UserAgentMiddleware, way_back: str):
    request = Request("https://a.example/", headers={"Referer": "https://a.example/from"})
    rotating.process_request(request)
    if way_back == "answered":
        rotating.process_response(request, Response(request.url, status=302))
    else:
        rotating.process_exception(request, OSError("cut"))
    assert dict(request.headers) == {b"Referer": [b"https://a.example/from"]}
    assert request.meta == {}


def test_a_copy_that_still_wears_a_face_gets_that_of_its_new_site(tmp_path: Path):
    (tmp_path / "agents.txt").write_text(f"{CHROME}\n{FIREFOX}\n")
    dresser = middleware(str(tmp_path / "agents.txt"))
    faces = {}
    for number in range(30):
        request = Request(f"https://site-{number}.example/")
        dresser.process_request(request)
        faces[agent(request)] = request
    copy = faces[CHROME].replace(url=faces[FIREFOX].url)
    dresser.process_request(copy)
    assert dict(copy.headers) == dict(faces[FIREFOX].headers)
    assert list(copy.headers) == list(faces[FIREFOX].headers)


def test_the_proxy_is_part_of_the_choice(rotating: UserAgentMiddleware):
    seen = set()
    for number in range(40):
        for _ in range(2):
            request = Request("http://a.example/", meta={"proxy": f"http://proxy-{number}:3128"})
            rotating.process_request(request)
            seen.add((number, agent(request)))
    assert len(seen) == 40
    assert len({user_agent for _, user_agent in seen}) > 3
