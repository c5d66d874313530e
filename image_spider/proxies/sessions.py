"""How a request goes through a proxy: aiohttp for HTTP proxies, aiohttp-socks for SOCKS5, and what their errors mean.

docs/decisions/0020-proxies.md tells why these two.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import aiohttp
import aiohttp_socks

from image_spider.exceptions import ProxyFailed, ProxyRefused
from image_spider.proxies.answers import PROXY_AUTHENTICATION
from image_spider.proxies.proxy import Proxy

# RFC 1928, section 6. What is not here says that the host cannot be reached from the proxy.
SOCKS_FORBIDDEN = 2
SOCKS_UNSUITABLE = frozenset({7, 8})


class ProxySessions:
    """A session for all HTTP proxies, and one for each SOCKS5 proxy, whose connections are its own.

    They resolve the names of proxies, which you chose, and no others: hosts are named to the proxy, which resolves
    them. A downloader or a prober bounds the connections; those that nobody uses close after 15 s, aiohttp's own.
    """

    def __init__(self, *, prepare: Callable[[aiohttp.ClientSession], None] | None = None, **options: Any) -> None:
        self._prepare = prepare  # a session, before its first request
        self._options = options  # of aiohttp.ClientSession
        self._http: aiohttp.ClientSession | None = None
        self._socks: dict[Proxy, aiohttp.ClientSession] = {}

    def session(self, proxy: Proxy) -> aiohttp.ClientSession:
        """Return the session for a proxy; within a running loop."""
        if not proxy.is_socks:
            if self._http is None:
                self._http = self._opened(aiohttp.TCPConnector(limit=0))
            return self._http
        if proxy not in self._socks:
            connector = aiohttp_socks.ProxyConnector(
                host=proxy.host,
                port=proxy.port,
                username=proxy.username or None,
                password=proxy.password or None,
                rdns=True,
                limit=0,
            )
            self._socks[proxy] = self._opened(connector)
        return self._socks[proxy]

    async def close(self) -> None:
        """Close the connections."""
        for session in (*self._socks.values(), *([self._http] if self._http else [])):
            await session.close()
        self._socks.clear()
        self._http = None

    def _opened(self, connector: aiohttp.TCPConnector) -> aiohttp.ClientSession:
        session = aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar(), **self._options)
        if self._prepare:
            self._prepare(session)
        return session


def proxy_options(proxy: Proxy, *, tunnel: bool) -> tuple[dict[str, Any], list[tuple[str, str]]]:
    """Return what `ClientSession.request` needs beside the session, and headers of the request itself.

    A tunnel (https) keeps credentials out of the request: they go with CONNECT. They are never part of a URL, which
    errors show.
    """
    if proxy.is_socks:
        return {}, []
    options: dict[str, Any] = {"proxy": proxy.address}
    if not proxy.username:
        return options, []
    words = f"{proxy.username}:{proxy.password}".encode()
    header = ("Proxy-Authorization", f"Basic {base64.b64encode(words).decode()}")
    return (options | {"proxy_headers": dict([header])}, []) if tunnel else (options, [header])


def proxy_error(error: BaseException, proxy: Proxy) -> ProxyFailed | None:
    """Return what an error says of the proxy; None when the host may be at fault as well."""
    name = proxy.name
    if isinstance(error, aiohttp.ClientHttpProxyError):  # the answer to CONNECT
        if error.status == PROXY_AUTHENTICATION:
            return ProxyFailed(f"the proxy {name} wants other credentials")
        return ProxyRefused(f"the proxy {name} refuses the host: HTTP {error.status}") if error.status < 500 else None
    if isinstance(error, aiohttp.ClientProxyConnectionError | aiohttp_socks.ProxyConnectionError):
        return ProxyFailed(f"the proxy {name} cannot be reached")
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return ProxyFailed(f"the proxy {name} cannot be found: no address of its name")
    if isinstance(error, aiohttp_socks.ProxyError):
        if error.error_code == SOCKS_FORBIDDEN:
            return ProxyRefused(f"the proxy {name} refuses the host")
        if not error.error_code or error.error_code in SOCKS_UNSUITABLE:
            return ProxyFailed(f"the proxy {name} does not let us in ({error})")
    return None
