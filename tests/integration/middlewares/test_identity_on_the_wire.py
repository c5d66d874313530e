"""The very bytes that a server receives, beside those that browsers sent."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from scrapy import Request
from scrapy.http import Response
from scrapy.http.request import NO_CALLBACK
from scrapy.utils.test import get_crawler

from image_spider.downloads import DownloadHandler
from middlewares.user_agents import UserAgentMiddleware
from tests.raw_site import RawSite
from tests.tls import Certificate, certificate
from tests.unit.identity import captures

FIREFOX_SINCE = [("en;q=0.5", "en;q=0.9"), ("u=4, i", "u=5, i")]  # languages since 150 or so; an image out of sight
NO_READER = [("image/jxl,image/heic,image/heic-sequence,video/*;q=0.8,", "")]  # for these formats; so they are left out
CASES = {
    "chrome, plain, page": ("CHROME", "CHROME_PLAIN_PAGE", []),
    "chrome, plain, image": ("CHROME", "CHROME_PLAIN_IMAGE", []),
    "chrome, TLS, page": ("CHROME", "CHROME_SECURE_PAGE", []),
    "chrome, TLS, image": ("CHROME", "CHROME_SECURE_IMAGE", []),
    "chrome, TLS, image of another site": ("CHROME", "CHROME_CROSS_SITE_IMAGE", [("Access: none", "Access: active")]),
    "firefox, plain, page": ("FIREFOX", "FIREFOX_PLAIN_PAGE", FIREFOX_SINCE),
    "firefox, plain, image": ("FIREFOX", "FIREFOX_PLAIN_IMAGE", FIREFOX_SINCE),
    "firefox, TLS, page": ("FIREFOX", "FIREFOX_SECURE_PAGE", FIREFOX_SINCE),
    "firefox, TLS, image": ("FIREFOX", "FIREFOX_SECURE_IMAGE", FIREFOX_SINCE),
    "safari, plain, page": ("SAFARI", "SAFARI_PLAIN_PAGE", []),
    "safari, plain, image": ("SAFARI", "SAFARI_PLAIN_IMAGE", NO_READER),
}


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return certificate(tmp_path_factory.mktemp("tls"))


def middleware(tmp_path: Path, text: str, **settings: object) -> UserAgentMiddleware:
    (tmp_path / "agents.txt").write_text(text)
    given = {"USER_AGENTS": str(tmp_path / "agents.txt"), "USER_AGENT": "honest/1", **settings}
    return UserAgentMiddleware.from_crawler(get_crawler(settings_dict=given))


async def fetch(request: Request, dresser: UserAgentMiddleware) -> Response:
    handler = DownloadHandler(get_crawler(settings_dict={"ALLOW_ADDRESSES": "127.0.0.0/8"}))
    try:
        dresser.process_request(request)
        return await handler.download_request(request)
    finally:
        await handler.close()


@pytest.mark.parametrize("case", CASES)
def test_a_browsers_headers_go_out_byte_for_byte_in_its_order(case: str, tmp_path: Path, pair: Certificate):
    agent, name, changes = CASES[case]
    wanted: str = getattr(captures, name)
    for old, new in changes:
        wanted = wanted.replace(old, new)
    languages = "ru" if agent == "SAFARI" else "en-US,en"
    dresser = middleware(tmp_path, getattr(captures, agent), USER_AGENTS_LANGUAGES=languages)
    with RawSite({"/": "<p>page</p>"}, certificate=pair if "TLS" in case else None) as site:
        wanted = wanted.replace("http://shop.test", site.url).replace("https://shop.test", site.url)
        lines = wanted.splitlines()
        own = dict(line.split(": ", 1) for line in lines if line.startswith(("Referer", "Cookie")))
        headers = {"Accept": "what Scrapy sets before", **own}
        request = Request(site.url + "/", headers=headers, callback=NO_CALLBACK if "image" in case else None)
        response = asyncio.run(fetch(request, dresser))
        assert response.status == 200
        assert site.headers("/") == [lines]


def test_every_browser_of_the_list_is_sent_as_it_is_written(tmp_path: Path, pair: Certificate):
    from image_spider.identity.user_agents import load_user_agents

    with RawSite({"/": "<p>page</p>"}, certificate=pair) as site:
        for profile in load_user_agents("rotate").profiles:
            dresser = middleware(tmp_path, profile.user_agent)
            asyncio.run(fetch(Request(site.url + "/"), dresser))
            lines = site.headers("/")[-1]
            assert f"User-Agent: {profile.user_agent}" in lines
            assert any(line.startswith("sec-ch-ua: ") for line in lines) == ("Chrome/" in profile.user_agent)
            assert ("sec-ch-ua-mobile: ?1" in lines) == ("Chrome/" in profile.user_agent and profile.mobile)


def test_a_user_agent_of_no_known_browser_is_sent_without_a_browsers_headers(tmp_path: Path):
    with RawSite({"/": "<p>page</p>"}) as site:
        asyncio.run(fetch(Request(site.url + "/", headers={"Accept": "text/html"}), middleware(tmp_path, "other/2.0")))
        assert site.headers("/") == [["User-Agent: other/2.0", "Accept: text/html"]]
