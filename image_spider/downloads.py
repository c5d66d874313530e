"""How a URL is fetched: from addresses that were checked, by the very bytes that Scrapy made of it."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from ipaddress import ip_address
from typing import TYPE_CHECKING, Self

import aiohttp
from scrapy.exceptions import DownloadCancelledError, DownloadFailedError, ResponseDataLossError
from scrapy.utils.httpobj import urlparse_cached

from image_spider import causes, config
from image_spider.addresses import AddressRules, is_local_name
from image_spider.connections import TooManyBytes, prepare
from image_spider.proxied_downloads import SESSION, ProxiedHandler
from image_spider.refusals import RefusedRequest
from image_spider.resolver import LookUp, Resolver, look_up
from image_spider.unfinished import Halted

if TYPE_CHECKING:
    from aiohappyeyeballs import AddrInfoType
    from scrapy import Request
    from scrapy.crawler import Crawler
    from scrapy.http import Response


class DownloadHandler:
    """Scrapy's handler on aiohttp (docs/decisions/0011-aiohttp.md), behind the address guard (0021)."""

    lazy = True

    def __init__(self, crawler: Crawler, *, look_up: LookUp = look_up) -> None:
        settings = config.from_settings(crawler.settings)
        self._crawler = crawler
        self._rules = AddressRules.of(settings.ALLOW_ADDRESSES)
        self._checks_proxied_names = settings.PROXIED_NAMES == "check"
        self._resolver = Resolver(
            rules=self._rules,
            seconds=settings.DNS_CACHE_SECONDS,
            size=crawler.settings.getint("DNSCACHE_SIZE"),
            threads=settings.DNS_THREADS,
            deadline=crawler.settings.getfloat("DNS_TIMEOUT"),
            look_up=look_up,
        )
        self._direct: _DirectHandler | None = None
        self._proxied: _VerbatimHandler | None = None
        self._transfers: set[asyncio.Task[Response]] = set()
        self._cut = False

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Make the handler."""
        return cls(crawler)

    async def download_request(self, request: Request) -> Response:
        """Fetch; raises Scrapy's download exceptions, RefusedRequest, and Halted when there is no time any more."""
        transfer = asyncio.ensure_future(self._fetch(request))
        self._transfers.add(transfer)
        transfer.add_done_callback(self._transfers.discard)
        try:
            return await transfer
        except asyncio.CancelledError:
            if self._cut:
                raise Halted("the worker had to end") from None
            raise

    def cut_short(self) -> None:
        """End every transfer."""
        self._cut = True
        for transfer in self._transfers:
            transfer.cancel()

    async def close(self) -> None:
        """Close the connections."""
        for handler in (self._direct, self._proxied):
            if handler:
                await handler.close()
        await self._resolver.close()

    async def _fetch(self, request: Request) -> Response:
        """Check the URL anew, whichever way it came, and fetch it over connections of its kind."""
        if refusal := self._rules.refusal_of_url(urlparse_cached(request)):
            raise RefusedRequest(causes.BLOCKED_ADDRESS, refusal)
        # aiohttp wants a running loop where it is made, which `scrapy shell` has only within a download.
        if request.meta.get("proxy"):
            await self._check_proxied_name(urlparse_cached(request).hostname or "")
            # The proxy's own address is the user's choice, and may be a private one.
            self._proxied = self._proxied or _VerbatimHandler(self._crawler)
            return await self._proxied.download_request(request)
        self._direct = self._direct or _DirectHandler(self._crawler, rules=self._rules, resolver=self._resolver)
        return await self._direct.download_request(request)

    async def _check_proxied_name(self, host: str) -> None:
        """Refuse a name that leads to a refused address as we see it; the proxy looks it up once more for itself.

        Names that are not known here pass, unless they are of a kind that each network gives a meaning of its own.
        """
        known = False
        if self._checks_proxied_names:
            with contextlib.suppress(OSError):
                known = bool(await self._resolver(host))
        if not known and is_local_name(host):
            raise RefusedRequest(causes.BLOCKED_ADDRESS, f"{host} is a name of the proxy's own network")


class _VerbatimHandler(ProxiedHandler):
    experimental = False  # no warning at each start

    def __init__(self, crawler: Crawler) -> None:
        super().__init__(crawler)
        if connector := self._own_connector():
            self._session.detach()  # from Scrapy's, which looks names up by a resolver of its own
            self._session = aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar(), **SESSION)
        prepare(self._session, maxsize=self._default_maxsize)

    async def download_request(self, request: Request) -> Response:
        """Fetch; raises Scrapy's download exceptions."""
        try:
            return await super().download_request(request)
        except (DownloadFailedError, ResponseDataLossError) as error:
            if isinstance(error.__cause__, TooManyBytes):  # trying again would not help
                raise DownloadCancelledError(str(error.__cause__)) from error
            raise

    def _own_connector(self) -> aiohttp.TCPConnector | None:
        """Return what makes connections instead of Scrapy's connector, if anything does."""
        return None


class _DirectHandler(_VerbatimHandler):
    """Connects to checked addresses alone: names come from our resolver, and each socket's address is looked at once
    more, for aiohttp asks no resolver about hosts that are addresses.
    """

    def __init__(self, crawler: Crawler, *, rules: AddressRules, resolver: Resolver) -> None:
        self._rules = rules
        self._resolver = resolver
        super().__init__(crawler)

    def _own_connector(self) -> aiohttp.TCPConnector:
        return aiohttp.TCPConnector(
            local_addr=self._bind_address,
            limit=self._pool_size_total,
            limit_per_host=self._pool_size_per_host,
            resolver=self._resolver,
            use_dns_cache=False,  # the resolver remembers
            socket_factory=self._checked_socket,
        )

    def _checked_socket(self, info: AddrInfoType) -> socket.socket:
        """Make the socket for an address that is about to be connected to; raises RefusedRequest."""
        family, kind, protocol, _, address = info
        if refusal := self._rules.refusal(ip_address(address[0])):
            raise RefusedRequest(causes.BLOCKED_ADDRESS, refusal)
        return socket.socket(family=family, type=kind, proto=protocol)
