"""How a request goes through a proxy: aiohttp for HTTP proxies, aiohttp-socks for SOCKS5, and what their errors mean.

docs/decisions/0020-proxies.md tells why these two.
"""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import aiohttp_socks

from image_spider.exceptions import ProxyFailed, ProxyRefused
from image_spider.proxies.answers import PROXY_AUTHENTICATION
from image_spider.proxies.proxy import Proxy

# RFC 1928, section 6. What is not here says that the host cannot be reached from the proxy.
SOCKS_FORBIDDEN = 2
SOCKS_UNSUITABLE = frozenset({7, 8})
KEPT = 100  # sessions of SOCKS5 proxies: one that left the list, or was given another password, is closed in its turn


class ProxySessions:
    """A session for all HTTP proxies, and one for each SOCKS5 proxy, whose connections are its own.

    They resolve the names of proxies, which you chose, and no others: hosts are named to the proxy, which resolves
    them. A downloader or a prober bounds the connections; those that nobody uses close after 15 s, aiohttp's own.
    Sessions of SOCKS5 proxies that are not lent are closed beyond KEPT.
    """

    def __init__(self, *, prepare: Callable[[aiohttp.ClientSession], None] | None = None, **options: Any) -> None:
        self._prepare = prepare  # a session, before its first request
        self._options = options  # of aiohttp.ClientSession
        self._http: aiohttp.ClientSession | None = None
        self._socks: dict[Proxy, aiohttp.ClientSession] = {}  # the one that was lent last is at the end
        self._lent: Counter[Proxy] = Counter()

    @asynccontextmanager
    async def session(self, proxy: Proxy) -> AsyncIterator[aiohttp.ClientSession]:
        """Lend the session for a proxy."""
        if not proxy.is_socks:
            self._http = self._http or self._opened(aiohttp.TCPConnector(limit=0))
            yield self._http
            return
        session = self._socks.pop(proxy) if proxy in self._socks else self._opened(_socks_connector(proxy))
        self._socks[proxy] = session
        self._lent[proxy] += 1
        try:
            yield session
        finally:
            self._lent[proxy] -= 1
            await self._close_surplus()

    async def close(self) -> None:
        """Close the connections."""
        for session in (*self._socks.values(), *([self._http] if self._http else [])):
            await session.close()
        self._socks.clear()
        self._http = None

    async def _close_surplus(self) -> None:
        """Close what nobody has, the longest unused first, down to KEPT."""
        self._lent = +self._lent  # without those that nobody has
        while len(self._socks) > KEPT:
            proxy = next((proxy for proxy in self._socks if not self._lent[proxy]), None)
            if proxy is None:
                return
            await self._socks.pop(proxy).close()

    def _opened(self, connector: aiohttp.TCPConnector) -> aiohttp.ClientSession:
        session = aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar(), **self._options)
        if self._prepare:
            self._prepare(session)
        return session


def _socks_connector(proxy: Proxy) -> aiohttp.TCPConnector:
    return aiohttp_socks.ProxyConnector(
        host=proxy.host,
        port=proxy.port,
        username=proxy.username or None,
        password=proxy.password or None,
        rdns=True,
        limit=0,
    )


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
