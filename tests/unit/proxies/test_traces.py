"""No queue keeps what a way through a proxy left in a request: credentials above all."""

from __future__ import annotations

import asyncio
import pickle
from pathlib import Path

import pytest
from scrapy import Request
from scrapy.downloadermiddlewares.httpproxy import HttpProxyMiddleware

from image_spider.delayed import delayed
from image_spider.proxies.traces import CHOSEN, without_proxy
from tests.unit.test_delaying_scheduler import a_scheduler

SECRETS = (b"geheim", b"YW5uYTpnZWhlaW0")  # the second one: Base64 of anna:geheim
URL = "http://a.example/"


@pytest.fixture(params=["of the environment", "of a start URL"])
def sent(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Request:
    """A request that Scrapy has sent through a proxy with credentials."""
    proxy = "http://anna:geheim@127.0.0.1:3128"
    if request.param == "of the environment":
        monkeypatch.setenv("http_proxy", proxy)
        monkeypatch.delenv("no_proxy", raising=False)
    meta = {"proxy": proxy} if request.param == "of a start URL" else {}
    sent = Request(URL, meta=meta | {"crawl_id": "c", "depth": 1}, headers={"Accept": "image/*"})
    HttpProxyMiddleware().process_request(sent)
    assert sent.headers["Proxy-Authorization"] == b"Basic YW5uYTpnZWhlaW0="
    return sent


def test_credentials_are_taken_off_and_nothing_else_is(sent: Request):
    proxy = {} if "_scheme_proxy" in sent.meta else {"proxy": "http://127.0.0.1:3128"}
    cleaned = without_proxy(sent)
    assert cleaned.headers == {b"Accept": [b"image/*"]}
    assert cleaned.meta == {"crawl_id": "c", "depth": 1} | proxy


def test_a_repetition_goes_through_the_proxy_of_the_environment_as_the_first_request(sent: Request):
    if "_scheme_proxy" in sent.meta:
        before = sent.copy()
        HttpProxyMiddleware().process_request(without_proxy(sent))
        assert (sent.meta, sent.headers) == (before.meta, before.headers)


@pytest.mark.parametrize("seconds", [0, 3600])
def test_a_job_directory_holds_no_credentials(sent: Request, tmp_path: Path, seconds: float):
    async def work() -> None:
        scheduler = a_scheduler(tmp_path)
        assert scheduler.enqueue_request(delayed(sent, seconds))
        scheduler.close("shutdown")

    asyncio.run(work())
    written = b"".join(file.read_bytes() for file in tmp_path.rglob("*") if file.is_file())
    assert URL.encode() in written
    for secret in (*SECRETS, b"Proxy-Authorization"):
        assert secret not in written


def test_a_proxy_that_a_user_wrote_stays_and_one_that_was_chosen_goes():
    assert without_proxy(Request(URL, meta={"proxy": "http://p:1"})).meta == {"proxy": "http://p:1"}
    assert without_proxy(Request(URL, meta={"proxy": None})).meta == {"proxy": None}, "and so does a refusal of all"
    for chosen in ("http://p:1#abcdef", None):
        assert without_proxy(Request(URL, meta={"proxy": chosen, CHOSEN: True})).meta == {}


def test_a_request_that_met_no_proxy_stays_as_it_is():
    request = Request(URL, meta={"depth": 1}, headers={"Accept": "*/*"}, priority=3)
    before = pickle.dumps(request.to_dict())
    assert pickle.dumps(without_proxy(request).to_dict()) == before
