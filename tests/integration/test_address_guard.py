"""The download handler connects to checked addresses alone: real sockets, counted."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Sequence

import pytest
from scrapy import Request
from scrapy.exceptions import CannotResolveHostError
from scrapy.utils.test import get_crawler

from image_spider import causes
from image_spider.downloads import DownloadHandler
from image_spider.refusals import RefusedRequest
from image_spider.resolver import look_up
from tests.hostile.hosts import forbidden_hosts
from tests.hostile.victim import Victim

ALLOWED = "127.0.0.2"  # stands for the internet; the victim listens there too


def fetch(
    urls: Sequence[str],
    *,
    look_up: Callable[[str], Sequence[str]] = look_up,
    meta: dict[str, object] | None = None,
    **settings: object,
) -> list[str]:
    """Fetch one URL after the other; return the body, the cause or the exception of each."""

    async def outcome(handler: DownloadHandler, url: str) -> str:
        try:
            response = await handler.download_request(Request(url, meta={"download_timeout": 5.0, **(meta or {})}))
        except (RefusedRequest, CannotResolveHostError) as error:
            return causes.of(error).cause
        return response.text

    async def run() -> list[str]:
        crawler = get_crawler(settings_dict={"ALLOW_ADDRESSES": ALLOWED, **settings})
        handler = DownloadHandler(crawler, look_up=look_up)
        try:
            return [await outcome(handler, url) for url in urls]
        finally:
            await handler.close()

    return asyncio.run(run())


@pytest.mark.parametrize("way", ["direct", "by a proxy"])
def test_no_way_to_write_a_forbidden_address_leads_to_a_connection(way: str):
    hosts = forbidden_hosts()
    assert len(hosts) >= 200
    with Victim() as victim:
        meta = {} if way == "direct" else {"proxy": f"http://127.0.0.1:{victim.port}"}
        outcomes = fetch([f"http://{host}:{victim.port}/secret" for host in hosts], meta=meta)
        assert victim.connections == []
    assert [pair for pair in zip(hosts, outcomes, strict=True) if pair[1] != causes.BLOCKED_ADDRESS] == []


def test_the_victim_sees_those_who_may_connect():
    with Victim() as victim:
        assert fetch([f"http://{ALLOWED}:{victim.port}/", f"http://127.0.0.1:{victim.port}/"]) == [
            "secret",
            causes.BLOCKED_ADDRESS,
        ]
        assert victim.connections == [ALLOWED]
        urls = [f"http://127.0.0.1:{victim.port}/", f"http://localhost:{victim.port}/"]
        assert fetch(urls, ALLOW_ADDRESSES="127.0.0.0/8, ::1") == ["secret", "secret"]
        assert victim.connections[:2] == [ALLOWED, "127.0.0.1"]


@pytest.mark.parametrize(
    "addresses",
    [
        ["127.0.0.1"],
        ["::1"],
        ["::ffff:127.0.0.1"],
        ["64:ff9b::7f00:1"],
        ["169.254.169.254"],
        ["fe80::1%2"],
        ["0.0.0.0"],
        [ALLOWED, "127.0.0.1"],
        [ALLOWED, "::1", ALLOWED],
        ["127.0.0.1", ALLOWED],
    ],
)
@pytest.mark.parametrize("meta", [{}, {"proxy": "http://127.0.0.1:{port}"}], ids=["direct", "by a proxy"])
def test_a_name_that_leads_to_one_forbidden_address_is_refused_whole(addresses: list[str], meta: dict[str, str]):
    with Victim() as victim:
        meta = {name: value.format(port=victim.port) for name, value in meta.items()}
        outcomes = fetch([f"http://inside.example:{victim.port}/"], look_up=lambda _: addresses, meta=meta)
        assert outcomes == [causes.BLOCKED_ADDRESS]
        assert victim.connections == []


def test_a_name_whose_answer_changes_never_leads_inside():
    asked: list[str] = []

    def rebinding(host: str) -> list[str]:
        asked.append(host)
        return [ALLOWED] if len(asked) % 2 else ["127.0.0.1"]

    with Victim() as victim:
        url = f"http://turns.example:{victim.port}/"
        assert fetch([url] * 6, look_up=rebinding, DNS_CACHE_SECONDS=0) == ["secret", causes.BLOCKED_ADDRESS] * 3
        assert len(asked) == 6, "one look-up for each connection: what was checked is what is connected to"
        assert victim.connections == [ALLOWED] * 3
        asked.clear()
        assert fetch([url] * 6, look_up=rebinding) == ["secret"] * 6
        assert len(asked) == 1


def test_a_proxy_is_asked_for_names_that_only_it_knows():
    def unknown(host: str) -> list[str]:
        raise socket.gaierror(socket.EAI_NONAME, f"{host} is not known")

    with Victim() as victim:
        meta = {"proxy": f"http://127.0.0.1:{victim.port}"}
        urls = ["http://far.example/", "http://wiki.internal/", "http://redis/", "http://printer.local/"]
        assert fetch(urls, look_up=unknown, meta=meta) == ["secret", *[causes.BLOCKED_ADDRESS] * 3]
        trusting = fetch([*urls, "http://127.0.0.1/"], look_up=unknown, meta=meta, PROXIED_NAMES="trust")
        assert trusting == ["secret", *[causes.BLOCKED_ADDRESS] * 4]
        assert fetch(urls[:1], look_up=unknown) == [causes.DNS]
