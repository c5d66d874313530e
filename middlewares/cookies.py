"""Cookies, where COOKIES_ENABLED asks for them: a jar for each site and proxy, each bounded."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from typing import TYPE_CHECKING

from scrapy.downloadermiddlewares.cookies import CookiesMiddleware as ScrapyCookiesMiddleware
from scrapy.http.cookies import CookieJar
from scrapy.utils.httpobj import urlparse_cached

from image_spider.urls import registrable_host

if TYPE_CHECKING:
    from http.cookiejar import Cookie

    from scrapy import Request
    from scrapy.http import Response

JARS = 1000  # sites and proxies remembered, those used last
# RFC 6265, 6.1: what a client should be able to keep of a domain, and of a cookie. A site that sets more loses some.
COOKIES = 50
COOKIE_BYTES = 4096
JAR = "cookiejar"  # Scrapy's meta key


class CookiesMiddleware(ScrapyCookiesMiddleware):
    """Scrapy's middleware with a jar for each site and proxy: another proxy is another visitor.

    Cookies stay in this process: workers of a fleet are visitors of their own. It comes behind the choice of a
    proxy, which is part of the jar's name. Scrapy's own would load the list of public suffixes from the network.
    """

    def __init__(self, debug: bool = False) -> None:
        super().__init__(debug)
        self.jars = Jars()  # type: ignore[assignment]  # it stands for Scrapy's defaultdict

    def process_request(self, request: Request) -> None:  # type: ignore[override]
        """Add the cookies of the site."""
        name = request.meta[JAR] = f"{_site(request)} {request.meta.get('proxy') or ''}"
        if name in self.jars or request.cookies:
            super().process_request(request)
        else:  # as with most sites, which set none
            dict.pop(request.headers, b"Cookie", None)

    def process_response(self, request: Request, response: Response) -> Response:  # type: ignore[override]
        """Keep the cookies that the site sets, COOKIES of them at most."""
        if b"Set-Cookie" in response.headers.keys():  # noqa: SIM118 - without writing the name anew
            super().process_response(request, response)
            jar = self.jars[request.meta[JAR]]
            for cookie in list(jar)[:-COOKIES]:
                jar.clear(cookie.domain, cookie.path, cookie.name)
        request.meta.pop(JAR, None)
        return response

    def process_exception(self, request: Request, exception: Exception) -> None:  # noqa: ARG002 - Scrapy's signature
        """Take the jar's name off: what is made of this request may go elsewhere."""
        request.meta.pop(JAR, None)

    def _process_cookies(self, cookies: Iterable[Cookie], *, jar: CookieJar, request: Request) -> None:
        """Put the cookies into the jar that are neither too large nor for more than their own site."""
        host, site = (urlparse_cached(request).hostname or "").lower(), _site(request)
        for cookie in cookies:
            domain = cookie.domain.removeprefix(".")
            if len(cookie.name) + len(cookie.value or "") > COOKIE_BYTES:
                continue
            if domain in ("", host, site) or domain.endswith(f".{site}"):
                jar.set_cookie_if_ok(cookie, request)


class Jars(OrderedDict[str, CookieJar]):
    """The jars that were used last; one that is asked for is there."""

    def __missing__(self, name: str) -> CookieJar:
        jar = self[name] = CookieJar()
        if len(self) > JARS:
            self.popitem(last=False)
        return jar

    def __getitem__(self, name: str) -> CookieJar:
        jar = super().__getitem__(name)
        self.move_to_end(name)
        return jar


def _site(request: Request) -> str:
    return registrable_host(urlparse_cached(request).hostname or "")
