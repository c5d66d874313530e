"""Health probes: is a proxy that rests, or that nobody uses, there?"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

import aiohttp
import aiohttp_socks

from image_spider.proxies.answers import PROXY_AUTHENTICATION
from image_spider.proxies.proxy import Proxy
from image_spider.proxies.sessions import ProxySessions, proxy_error, proxy_options

AT_ONCE = 10


class Prober:
    """Asks a URL through proxies, or without one only connects to them, which tells less."""

    def __init__(self, *, url: str, timeout_seconds: float) -> None:
        self._url = url
        self._timeout_seconds = timeout_seconds
        self._sessions = ProxySessions()
        self._places = asyncio.Semaphore(AT_ONCE)

    async def probe(self, proxies: Iterable[Proxy]) -> dict[str, str]:
        """Return by name why a proxy does not work, "" for one that does."""
        proxies = tuple(proxies)
        results = await asyncio.gather(*(self._probe(proxy) for proxy in proxies))
        return {proxy.name: result for proxy, result in zip(proxies, results, strict=True)}

    async def close(self) -> None:
        """Close the connections."""
        await self._sessions.close()

    async def _probe(self, proxy: Proxy) -> str:
        async with self._places:
            try:
                async with asyncio.timeout(self._timeout_seconds):
                    return await (self._ask(proxy) if self._url else _connect(proxy))
            except (TimeoutError, aiohttp_socks.ProxyTimeoutError):
                return "no answer to a probe"
            except (
                aiohttp.ClientError,
                aiohttp_socks.ProxyError,
                aiohttp_socks.ProxyConnectionError,
                OSError,
                EOFError,
            ) as error:
                return str(proxy_error(error, proxy) or f"a probe failed: {type(error).__name__}")

    async def _ask(self, proxy: Proxy) -> str:
        options, headers = proxy_options(proxy, tunnel=self._url.startswith("https:"))
        async with (
            self._sessions.session(proxy) as session,
            session.get(self._url, headers=headers, allow_redirects=False, **options) as response,
        ):
            if response.status == PROXY_AUTHENTICATION:
                return f"the proxy {proxy.name} wants other credentials"
            return f"a probe was answered by HTTP {response.status}" if response.status >= 500 else ""


async def _connect(proxy: Proxy) -> str:
    _, writer = await asyncio.open_connection(proxy.host, proxy.port)
    writer.close()
    await writer.wait_closed()
    return ""
