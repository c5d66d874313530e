"""Requests as JSON: what comes back is what was sent, and what cannot be is refused by name."""

from __future__ import annotations

import json
import random
import string
from contextlib import suppress
from typing import Any

import pytest
from scrapy import FormRequest, Request, Spider
from scrapy.http import JsonRequest, Response

from image_spider.exceptions import PayloadError
from image_spider.frontier.codec import decode, encode

URL = "https://example.com/a?b=1,2#top"


class ASpider(Spider):
    name = "a"
    no_method = print

    def parse_page(self, response: Response, **arguments: Any) -> None:
        """Do nothing."""

    def failed(self, failure: object) -> None:
        """Do nothing."""

    def _private(self, response: Response) -> None:
        """Do nothing."""


@pytest.fixture
def spider() -> ASpider:
    return ASpider()


def same(one: Request, other: Request) -> bool:
    return all(getattr(one, name) == getattr(other, name) for name in Request.attributes)


def test_a_request_comes_back_whole(spider: ASpider):
    request = Request(
        URL,
        spider.parse_page,
        "POST",
        headers={"Referer": "https://a.example/\xe9", "Accept": ["a", "b"]},
        body=bytes(range(256)),
        cookies=[{"name": "a", "value": "b"}],
        meta={"depth": 2, "crawl_id": "x", "words": ["\u4e2d\u6587", None, 1.5, True], "lone": "\ud800"},
        encoding="latin-1",
        priority=-7,
        dont_filter=True,
        errback=spider.failed,
        flags=["seen"],
        cb_kwargs={"site": URL, "nested": {"a": {"b": []}}},
    )
    assert same(decode(encode(request, spider), spider), request)


def test_what_has_its_default_value_takes_no_room(spider: ASpider):
    assert json.loads(encode(Request(URL), spider)) == {"url": URL}


def random_value(chance: random.Random, depth: int = 0) -> Any:
    kind = chance.choice("nbifst" + ("ld" if depth < 3 else ""))
    if kind == "l":
        return [random_value(chance, depth + 1) for _ in range(chance.randrange(4))]
    if kind == "d":
        return {random_text(chance): random_value(chance, depth + 1) for _ in range(chance.randrange(4))}
    values = {"n": None, "b": chance.random() < 0.5, "i": chance.randint(-(2**70), 2**70), "f": chance.gauss(0, 1e9)}
    return values.get(kind, random_text(chance))


def random_text(chance: random.Random) -> str:
    letters = string.printable + "\x00\u00e9\u4e2d\U0001f600\ud800"
    return "".join(chance.choices(letters, k=chance.randrange(8)))


@pytest.mark.parametrize("seed", range(300))
def test_any_request_of_json_values_comes_back_whole(spider: ASpider, seed: int):
    chance = random.Random(seed)
    request = Request(
        f"https://example.com/{chance.random()}?{random_text(chance).encode('utf-8', 'ignore').hex()}",
        chance.choice([None, spider.parse_page]),
        chance.choice(["GET", "HEAD", "POST"]),
        headers=[(f"X-{chance.randrange(3)}", chance.randbytes(5).replace(b"\n", b"")) for _ in range(3)],
        body=chance.randbytes(chance.randrange(300)),
        meta={random_text(chance): random_value(chance) for _ in range(3)},
        cb_kwargs={random_text(chance): random_value(chance) for _ in range(3)},
        priority=chance.randint(-(10**6), 10**6),
        dont_filter=chance.random() < 0.5,
        errback=chance.choice([None, spider.failed]),
    )
    assert same(decode(encode(request, spider), spider), request)


@pytest.mark.parametrize("seed", range(300))
def test_a_damaged_payload_is_refused_or_read_and_nothing_else_happens(spider: ASpider, seed: int):
    chance = random.Random(seed)
    request = Request(
        URL, spider.parse_page, "POST", headers={"A": "b"}, body=b"body", meta={"a": [1]}, cookies={"a": "b"}
    )
    payload = bytearray(encode(request, spider))
    for _ in range(chance.randint(1, 4)):
        payload[chance.randrange(len(payload))] = chance.randrange(256)
    with suppress(PayloadError):
        assert isinstance(decode(bytes(payload[: chance.randint(1, len(payload))]), spider), Request)


def test_a_form_and_a_json_request_come_back_with_their_bodies(spider: ASpider):
    for request in (FormRequest(URL, formdata={"a": "1"}), JsonRequest(URL, data={"a": 1})):
        back = decode(encode(request, spider), spider)
        assert (back.method, back.body, back.headers) == ("POST", request.body, request.headers)


@pytest.mark.parametrize(
    "request_", [{"meta": {"a": object()}}, {"cb_kwargs": {"a": b"bytes"}}, {"meta": {"a": float("nan")}}]
)
def test_what_json_cannot_hold_is_refused(spider: ASpider, request_: dict[str, Any]):
    with pytest.raises(PayloadError, match="cannot be written as JSON"):
        encode(Request(URL, **request_), spider)


def test_a_value_that_holds_itself_is_refused(spider: ASpider):
    endless: list[Any] = []
    endless.append(endless)
    with pytest.raises(PayloadError):
        encode(Request(URL, meta={"a": endless}), spider)


@pytest.mark.parametrize("callback", [lambda response: None, print, ASpider().parse_page])
def test_a_callback_that_is_no_method_of_the_spider_is_refused(spider: ASpider, callback: Any):
    with pytest.raises(PayloadError, match="is not a method of the spider a"):
        encode(Request(URL, callback), spider)


@pytest.mark.parametrize("name", ["gone", "_private", "no_method", "name", "__init__", 7, None, ["parse"]])
def test_a_payload_may_name_public_methods_of_the_spider_alone(spider: ASpider, name: Any):
    with pytest.raises(PayloadError):
        decode(json.dumps({"url": URL, "callback": name}).encode(), spider)


@pytest.mark.parametrize(
    "payload",
    [b"", b"\xff", b"[]", b"7", b"{}", b'{"url":7}', b'{"url":"no scheme"}', b'{"url":"http://a/","_class":"os.system"}',
     b'{"url":"http://a/","body":"%"}', b'{"url":"http://a/","headers":{"a":1}}', b"[" * 100_000],
)  # fmt: skip
def test_a_broken_payload_is_refused(spider: ASpider, payload: bytes):
    with pytest.raises(PayloadError):
        decode(payload, spider)
