"""What the download handler sends."""

from __future__ import annotations

import asyncio

from scrapy import Request
from scrapy.utils.test import get_crawler

from image_spider.downloads import DownloadHandler
from tests.sites import Site

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
    answered = [(await handler.download_request(Request(url))).url for url in urls]
    await handler.close()
    return answered


def test_a_url_is_sent_by_its_very_bytes_and_over_one_connection():
    with Site({}) as site:
        urls = [site.url + path for path in PATHS]
        assert asyncio.run(fetch(urls)) == urls
        assert site.requests == PATHS
        assert len(site.connections) == 1
