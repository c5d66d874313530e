"""What the download handler sends."""

from __future__ import annotations

import asyncio

import pytest
from scrapy import Request
from scrapy.exceptions import DownloadFailedError
from scrapy.utils.test import get_crawler

from image_spider import causes
from image_spider.downloads import DownloadHandler
from tests.hostile.bombs import MEGABYTE, PAGES
from tests.hostile.site import HostileSite
from tests.sites import Site
from tests.troubled_site import DROPPED, Answer, TroubledSite

PATHS = [
    "/a%20b",
    "/a%2Fb",
    "/%7Euser",
    "/~user",
    "/caf%c3%a9",
    "/caf%C3%A9?x=%e4",
    "/x/../y/./z",
    "/q?a=%zz",
    "/100%",
    "/a+b?c+d;e=1&f=",
    "/@:!$&'()*+,;=",
    "/p?u=http://x/y?z",
]


async def fetch(urls: list[str]) -> list[str]:
    """Return the URLs of the responses."""
    handler = DownloadHandler(get_crawler(settings_dict={"ALLOW_ADDRESSES": "127.0.0.0/8"}))
    try:
        return [(await handler.download_request(Request(url))).url for url in urls]
    finally:
        await handler.close()


def test_a_url_is_sent_by_its_very_bytes_and_over_one_connection():
    with Site({}) as site:
        urls = [site.url + path for path in PATHS]
        assert asyncio.run(fetch(urls)) == urls
        assert site.requests == PATHS
        assert len(site.connections) == 1


def endings(paths: list[str], address: str) -> list[str]:
    """Return the cause that the download of each path ends in."""

    async def ends() -> list[str]:
        settings = {"ALLOW_ADDRESSES": "127.0.0.0/8", "DOWNLOAD_MAXSIZE": MEGABYTE}
        handler = DownloadHandler(get_crawler(settings_dict=settings))
        found = []
        for path in paths:
            try:
                await handler.download_request(Request(address + path, meta={"download_timeout": 60.0}))
            except Exception as error:  # noqa: BLE001 - whatever it is, it has a cause
                found.append(causes.of(error).cause)
        await handler.close()
        return found

    return asyncio.run(ends())


def test_framing_counts_too_and_so_does_what_comes_before_the_head():
    names = ["wordy-chunks", "huge-in-chunks", "huge-until-closed", "many-hints"]
    answers = {name: PAGES[name][0] for name in names[:3]}
    answers["many-hints"] = lambda visit: visit.send(
        b"HTTP/1.1 103 Hints\r\nLink: x\r\n\r\n" * 40_000 + b"\r\n" * 999_999
    )
    with HostileSite(answers, address="127.0.0.2") as site:
        ends = endings([f"/{name}" for name in names], site.url)
        assert ends[:3] == ["too_large"] * 3
        assert ends[3] in {"too_large", "connection"}
        assert max(site.sent.values()) < 8 * MEGABYTE


def test_a_request_whose_connection_is_dropped_is_sent_once():
    with TroubledSite({"/": Answer()}, otherwise=DROPPED) as site:
        with pytest.raises(DownloadFailedError):
            asyncio.run(fetch([site.url + "/", site.url + "/dropped"]))
        assert [path for _, path in site.log] == ["/", "/dropped"], "aiohttp sends a GET again by itself"
