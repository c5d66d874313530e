"""Downloads through the proxy that a middleware chose; docs/decisions/0020-proxies.md."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, cast

import aiohttp
import aiohttp_socks
import yarl
from scrapy.core.downloader.handlers._aiohttp import AiohttpDownloadHandler, _ClientResponse
from scrapy.exceptions import (
    DownloadCancelledError,
    DownloadConnectionRefusedError,
    DownloadFailedError,
    DownloadTimeoutError,
)
from scrapy.utils.httpobj import urlparse_cached

from image_spider.connections import TooManyBytes, prepare
from image_spider.exceptions import ProxyLeft
from image_spider.extensions.proxies import Proxies
from image_spider.proxies.proxy import Proxy
from image_spider.proxies.sessions import ProxySessions, proxy_error, proxy_options

if TYPE_CHECKING:
    from scrapy import Request
    from scrapy.crawler import Crawler

# As Scrapy's handler: bodies as they come, and no header that the request does not have.
SESSION: dict[str, Any] = {
    "auto_decompress": False,
    "response_class": _ClientResponse,
    "skip_auto_headers": ("Accept", "Accept-Encoding", "Content-Type", "User-Agent"),
}
BROKEN = (OSError, EOFError)  # python-socks passes on what happens to its connection


class ProxiedHandler(AiohttpDownloadHandler):
    """Scrapy's handler, which takes a request that names a proxy of the pool through that one.

    Connections to proxies are apart from those to sites: what guards the latter does not look at addresses that you
    chose, and credentials come from the pool, never from a request, which may be written to a queue.
    """

    def __init__(self, crawler: Crawler) -> None:
        super().__init__(crawler)
        self._proxies = crawler.get_extension(Proxies)
        self._sessions = ProxySessions(prepare=partial(prepare, maxsize=self._default_maxsize), **SESSION)

    @asynccontextmanager
    async def _make_request(  # the arguments are Scrapy's
        self,
        request: Request,
        timeout: float,  # noqa: ASYNC109
    ) -> AsyncIterator[_ClientResponse]:
        """Raise ProxyFailed when the proxy is at fault, Scrapy's own exceptions when the host may be."""
        name = request.meta.get("proxy")
        if not name or self._proxies is None:
            verbatim = request.replace(meta=request.meta | {"verbatim_url": True})  # as image_spider/downloads.py does
            async with super()._make_request(verbatim, timeout) as response:
                yield response
            return
        proxy = self._proxies.pool.admitted(name, urlparse_cached(request).hostname or "")
        if proxy is None:
            raise ProxyLeft(f"the proxy {name} was banned or removed while the request waited")
        try:
            async with (
                self._sessions.session(proxy) as session,
                await self._send(request, proxy, timeout, session=session) as response,
            ):
                yield cast("_ClientResponse", response)
        except (TimeoutError, aiohttp_socks.ProxyTimeoutError):
            raise DownloadTimeoutError(f"No answer through the proxy {name}") from None
        except (aiohttp.ClientError, aiohttp_socks.ProxyError, aiohttp_socks.ProxyConnectionError, *BROKEN) as error:
            raise _translated(error, proxy) from None  # without its origin, which knows the request's headers

    async def _send(
        self, request: Request, proxy: Proxy, seconds: float, *, session: aiohttp.ClientSession
    ) -> aiohttp.ClientResponse:
        assert self._proxies
        options, headers = proxy_options(proxy, tunnel=request.url.startswith("https:"))
        connect = min(seconds, self._proxies.connect_seconds)
        return await session.request(
            request.method,
            yarl.URL(request.url, encoded=True),
            data=request.body,
            headers=[*self._request_headers(request).to_tuple_list(), *headers],
            timeout=aiohttp.ClientTimeout(total=seconds, connect=connect, sock_connect=connect),
            ssl=self._ssl_context,
            allow_redirects=False,
            **options,
        )

    async def close(self) -> None:
        """Close the connections to proxies too."""
        await self._sessions.close()
        await super().close()


def _translated(error: Exception, proxy: Proxy) -> Exception:
    if isinstance(error, TooManyBytes):
        return DownloadCancelledError(str(error))
    failed = proxy_error(error, proxy)
    if failed:
        return failed
    if isinstance(error, aiohttp.ClientHttpProxyError):
        return DownloadConnectionRefusedError(f"The proxy {proxy.name} got no connection: HTTP {error.status}")
    if isinstance(error, aiohttp_socks.ProxyError):
        return DownloadConnectionRefusedError(f"The proxy {proxy.name} got no connection: {error}")
    return DownloadFailedError(f"Through the proxy {proxy.name}: {type(error).__name__}")
