"""Downloads through real proxies: HTTP, CONNECT and SOCKS5, with and without credentials; and what errors say."""

from __future__ import annotations

from pathlib import Path

import pytest
from scrapy.exceptions import DownloadConnectionRefusedError, DownloadFailedError, DownloadTimeoutError
from scrapy.http import Response

from image_spider.exceptions import ProxyFailed, ProxyLeft, ProxyRefused
from tests.integration.proxies.conftest import Fetch, behind_tls
from tests.proxies import RealProxy
from tests.servers import free_port
from tests.sites import Site

CREDENTIALS = ("anna", "ge@heim/:?")
WRITTEN = "anna:ge%40heim%2F%3A%3F"


def assert_clean(text: str) -> None:
    for secret in ("anna", "ge@heim", "ge%40heim", "YW5uY"):  # the last one: Base64
        assert secret not in text


@pytest.mark.parametrize("scheme", ["http", "socks5", "socks5h"])
@pytest.mark.parametrize("credentials", [None, CREDENTIALS])
@pytest.mark.parametrize("secure", [False, True])
def test_a_page_comes_through_the_proxy(
    fetch: Fetch, site: Site, secure_url: str, scheme: str, credentials: tuple[str, str] | None, secure: bool
):
    with RealProxy(credentials=credentials) as proxy:
        user = f"{WRITTEN}@" if credentials else ""
        url = f"{secure_url if secure else site.url}/page"
        response = fetch(url, f"{scheme}://{user}127.0.0.1:{proxy.port}")
    assert isinstance(response, Response), response
    assert (response.status, response.body, response.url) == (200, b"<p>hello</p>", url)
    assert len(proxy.asked) == 1
    assert site.requests == ["/page"]
    assert_clean(f"{response.request} {response.headers}")


@pytest.mark.parametrize("secure", [False, True])
def test_a_page_comes_through_a_proxy_that_speaks_tls(
    fetch: Fetch, site: Site, secure_url: str, secure: bool, tmp_path: Path
):
    with RealProxy(credentials=CREDENTIALS) as proxy, behind_tls(proxy.port, tmp_path / "proxy") as port:
        response = fetch(f"{secure_url if secure else site.url}/page", f"https://{WRITTEN}@127.0.0.1:{port}")
    assert isinstance(response, Response), response
    assert response.body == b"<p>hello</p>"
    assert len(proxy.asked) == 1


def test_a_url_goes_to_a_proxy_by_its_very_bytes(fetch: Fetch, site: Site):
    for path in ("/%7Euser", "/caf%c3%a9", "/x/../y", "/q?a=%zz"):
        with RealProxy() as proxy:
            fetch(site.url + path, proxy.url())
    assert site.requests == ["/%7Euser", "/caf%c3%a9", "/x/../y", "/q?a=%zz"]


@pytest.mark.parametrize(
    ("scheme", "secure", "mood", "kind"),
    [
        ("http", False, "cut", DownloadFailedError),
        ("http", True, "cut", DownloadFailedError),
        ("socks5", False, "cut", DownloadFailedError),
        ("http", True, "forbid", ProxyRefused),
        ("socks5", True, "forbid", ProxyRefused),
        ("http", True, "lost", DownloadConnectionRefusedError),
        ("socks5", False, "lost", DownloadConnectionRefusedError),
    ],
)
def test_an_error_tells_a_proxy_that_is_at_fault_from_a_host_that_may_be(
    fetch: Fetch, site: Site, secure_url: str, scheme: str, secure: bool, mood: str, kind: type[Exception]
):
    with RealProxy(mood=mood, credentials=("anna", "geheim")) as proxy:
        error = fetch(f"{secure_url if secure else site.url}/page", proxy.url(scheme))
    assert type(error) is kind, repr(error)
    assert f"127.0.0.1:{proxy.port}" in str(error)
    assert_clean(f"{error} {error!r}")
    assert error.__suppress_context__, "a traceback would show aiohttp's errors, which know headers"
    assert site.requests == []


@pytest.mark.parametrize(("scheme", "secure"), [("http", False), ("http", True), ("socks5", False)])
def test_a_proxy_that_hangs_is_waited_for_no_longer_than_told(
    fetch: Fetch, site: Site, secure_url: str, scheme: str, secure: bool
):
    with RealProxy(mood="hang") as proxy:
        url = f"{secure_url if secure else site.url}/page"
        seconds = 0.5 if (scheme, secure) == ("http", False) else 60
        error = fetch(url, proxy.url(scheme), seconds=seconds, connect_seconds=0.5)
    assert isinstance(error, DownloadTimeoutError), repr(error)


@pytest.mark.parametrize(("scheme", "secure"), [("http", True), ("socks5", False)])
def test_wrong_credentials_are_the_proxys_failure_and_are_not_shown(
    fetch: Fetch, secure_url: str, site: Site, scheme: str, secure: bool
):
    with RealProxy(credentials=("anna", "right")) as proxy:
        for user in ("anna:geheim@", ""):
            error = fetch(f"{secure_url if secure else site.url}/page", f"{scheme}://{user}127.0.0.1:{proxy.port}")
            assert type(error) is ProxyFailed, repr(error)
            assert "geheim" not in repr(error)
    assert proxy.refused == 2


def test_wrong_credentials_are_answered_407_where_there_is_no_tunnel(fetch: Fetch, site: Site):
    with RealProxy(credentials=("anna", "right")) as proxy:
        response = fetch(f"{site.url}/page", f"http://anna:wrong@127.0.0.1:{proxy.port}")
    assert isinstance(response, Response)
    assert response.status == 407


@pytest.mark.parametrize("scheme", ["http", "socks5"])
@pytest.mark.parametrize("host", ["127.0.0.1", "proxy.invalid"])
def test_a_proxy_that_is_not_there_is_at_fault(fetch: Fetch, site: Site, scheme: str, host: str):
    error = fetch(f"{site.url}/page", f"{scheme}://anna:geheim@{host}:{free_port()}")
    assert type(error) is ProxyFailed, repr(error)
    assert_clean(str(error))


def test_a_proxy_that_left_while_the_request_waited_is_not_used(fetch: Fetch, site: Site):
    error = fetch(f"{site.url}/page", "http://here.example:80", name="http://gone.example:80")
    assert type(error) is ProxyLeft
    assert site.requests == []
