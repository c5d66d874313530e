"""Downloads through proxies that others wrote: proxy.py speaks HTTP and CONNECT, pproxy SOCKS5."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from scrapy.exceptions import DownloadFailedError
from scrapy.http import Response

from image_spider.exceptions import ProxyFailed
from tests.integration.proxies.conftest import Fetch
from tests.servers import accepts, free_port
from tests.sites import Site
from tests.waiting import wait_until

# Python 3.14 has no event loop before one is asked for, and pproxy asks for none.
PPROXY = "import asyncio; asyncio.set_event_loop(asyncio.new_event_loop()); from pproxy.server import main; main()"


@contextmanager
def foreign(folder: Path, *words: str, port: int) -> Iterator[int]:
    """Run a proxy until the end of the block."""
    with (folder / "proxy.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, *words], cwd=folder, stdout=log, stderr=log, env={**os.environ, "HOME": str(folder)}
        )
    try:
        wait_until(lambda: accepts(port) or process.poll() is not None)
        assert process.poll() is None, (folder / "proxy.log").read_text(encoding="utf-8")
        yield port
    finally:
        process.terminate()
        process.wait(30)


@pytest.fixture
def http_proxy(tmp_path: Path) -> Iterator[int]:
    port = free_port()
    words = ["-m", "proxy", "--hostname", "127.0.0.1", "--port", str(port), "--basic-auth", "anna:geheim"]
    words += ["--num-workers", "1", "--num-acceptors", "1"]
    with foreign(tmp_path, *words, port=port):
        yield port


@pytest.fixture
def socks_proxy(tmp_path: Path) -> Iterator[int]:
    port = free_port()
    with foreign(tmp_path, "-c", PPROXY, "-l", f"socks5://127.0.0.1:{port}#anna:geheim", port=port):
        yield port


def test_pages_come_through_an_http_proxy(fetch: Fetch, site: Site, secure_url: str, http_proxy: int):
    for url in (site.url, secure_url):
        response = fetch(f"{url}/page", f"http://anna:geheim@127.0.0.1:{http_proxy}")
        assert isinstance(response, Response), response
        assert (response.status, response.body) == (200, b"<p>hello</p>")
    assert site.requests == ["/page", "/page"]


def test_an_http_proxy_that_refuses_our_credentials_is_told_from_the_host(
    fetch: Fetch, site: Site, secure_url: str, http_proxy: int
):
    answer = fetch(f"{site.url}/page", f"http://anna:wrong@127.0.0.1:{http_proxy}")
    assert isinstance(answer, Response), answer
    assert answer.status == 407
    assert type(fetch(f"{secure_url}/page", f"http://anna:wrong@127.0.0.1:{http_proxy}")) is ProxyFailed
    assert site.requests == []


def test_pages_come_through_a_socks_proxy(fetch: Fetch, site: Site, secure_url: str, socks_proxy: int):
    refused = fetch(f"{site.url}/page", f"socks5://anna:wrong@127.0.0.1:{socks_proxy}")
    assert type(refused) is DownloadFailedError, refused  # it says nothing and closes, as if the host had gone
    assert "geheim" not in f"{refused!r} {refused}"
    for url in (site.url, secure_url):
        for scheme in ("socks5", "socks5h"):
            response = fetch(f"{url}/page", f"{scheme}://anna:geheim@127.0.0.1:{socks_proxy}")
            assert isinstance(response, Response), response
            assert (response.status, response.body) == (200, b"<p>hello</p>")
    assert site.requests == ["/page"] * 4
