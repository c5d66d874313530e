"""What may be pushed as a start URL."""

from __future__ import annotations

import json

import pytest
from scrapy import Request

from image_spider.exceptions import UsageError
from image_spider.frontier.start_entries import read_entry

URL = "https://a.example/"


def test_a_plain_url_belongs_to_the_default_crawl():
    entry = read_entry(b"  https://a.example \n")
    assert (entry.url, entry.crawl.id, entry.crawl.max_images) == (URL, "default", None)


def test_json_without_limits_belongs_to_the_default_crawl_too():
    assert read_entry(json.dumps({"url": URL, "priority": 3}).encode()).crawl.id == "default"


def test_limits_without_a_crawl_id_make_a_crawl_named_by_them():
    one, same, other = (
        read_entry(json.dumps({"url": URL, "max_images": limit}).encode()).crawl for limit in (5, "5", 6)
    )
    assert one == same
    assert one.id != other.id
    assert one.id.startswith("a.example-")


def test_everything_that_an_entry_may_say_is_heard():
    entry = read_entry(
        json.dumps(
            {
                "url": URL, "crawl_id": "c", "max_images": 5, "max_depth": 0, "categories": ["Cats", "dogs"],
                "follow": "host", "sitemap": True, "download": False, "priority": -2, "meta": {"a": 1},
                "method": "post",
            }
        ).encode()
    )  # fmt: skip
    crawl = entry.crawl
    assert (crawl.id, crawl.max_images, crawl.max_depth, crawl.categories) == ("c", 5, 0, ("cats", "dogs"))
    assert (crawl.follow, crawl.sitemap, crawl.download) == ("host", True, False)
    request = entry.apply(Request(URL, meta={"crawl_id": "c"}))
    assert (request.priority, request.method, request.meta) == (-2, "POST", {"a": 1, "crawl_id": "c"})


def test_an_entrys_meta_cannot_name_another_crawl():
    entry = read_entry(json.dumps({"url": URL, "meta": {"crawl_id": "other"}}).encode())
    assert entry.apply(Request(URL, meta={"crawl_id": "default"})).meta["crawl_id"] == "default"


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"", "one URL"),
        (b"\xff", "text in UTF-8"),
        (b"ftp://a.example/", "an http"),
        (b"{", "a URL or a JSON object"),
        (b"{}", "one URL"),
        (b'{"url": 7}', "one URL"),
        (b'{"url": "https://a.example/ https://b.example/"}', "one URL"),
        (b'{"url": "https://a.example/", "max_cats": 7}', "the keys are url, crawl_id"),
        (b'{"url": "https://a.example/", "max_images": 0}', "a whole number from 1"),
        (b'{"url": "https://a.example/", "max_depth": 1.5}', "a number, a text"),
        (b'{"url": "https://a.example/", "crawl_id": "a/b"}', "letters, digits"),
        (b'{"url": "https://a.example/", "priority": "high"}', "a whole number"),
        (b'{"url": "https://a.example/", "meta": [1]}', "a JSON object"),
        (b'{"url": "https://a.example/", "method": "GET /"}', "an HTTP method"),
        (b'{"url":' + b"[" * 100_000, "a URL or a JSON object"),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_what_is_no_start_url_is_refused_with_the_reason(raw: bytes, said: str):
    with pytest.raises(UsageError, match=said):
        read_entry(raw)
