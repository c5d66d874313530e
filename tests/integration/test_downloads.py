"""What the download handler sends."""

from __future__ import annotations

import asyncio

import pytest
from scrapy import Request
from scrapy.exceptions import DownloadFailedError
from scrapy.utils.test import get_crawler

from image_spider.downloads import DownloadHandler
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
    handler = DownloadHandler(get_crawler())
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


def test_a_request_whose_connection_is_dropped_is_sent_once():
    with TroubledSite({"/": Answer()}, otherwise=DROPPED) as site:
        with pytest.raises(DownloadFailedError):
            asyncio.run(fetch([site.url + "/", site.url + "/dropped"]))
        assert [path for _, path in site.log] == ["/", "/dropped"], "aiohttp sends a GET again by itself"
