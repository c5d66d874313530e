"""Who we say that we are: one honest agent, or for each site and proxy the headers of one browser."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Self

from scrapy.downloadermiddlewares.httpcompression import ACCEPTED_ENCODINGS
from scrapy.http.request import NO_CALLBACK
from scrapy.utils.httpobj import urlparse_cached

from image_spider import config
from image_spider.identity.faces import Faces
from image_spider.identity.headers import NAMES
from image_spider.identity.user_agents import HONEST, load_user_agents

if TYPE_CHECKING:
    from scrapy import Request
    from scrapy.crawler import Crawler
    from scrapy.http import Response

    from image_spider.identity.headers import Destination

logger = logging.getLogger(__name__)

DRESSED = "dressed"  # meta key: as whom, for as long as a request wears headers of ours
AS_BROWSER, AS_OURSELVES = "browser", "ourselves"
_OURS = {
    AS_OURSELVES: (b"User-Agent",),
    AS_BROWSER: NAMES,
}
# What an honest agent asks for where a page shows an image. No format is named: a server that has a choice sends the
# original rather than a conversion of it.
IMAGE_ACCEPT = "image/*,*/*;q=0.8"


class UserAgentMiddleware:
    """Set the headers that tell who asks, in place of Scrapy's middleware of that name.

    A request that brings a User-Agent of its own keeps it. robots.txt is always asked for by the honest agent, whose
    name its rules are matched with (RFC 9309, 2.2.1). It comes behind the proxies and the cookies: the proxy is
    part of the choice, and a browser's Cookie header has its place among the others.
    """

    def __init__(self, *, honest: str, faces: Faces | None) -> None:
        self._honest = honest
        self._faces = faces

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Read USER_AGENTS, and USER_AGENT for the honest agent."""
        settings = config.from_settings(crawler.settings)
        honest = str(crawler.settings["USER_AGENT"])
        if settings.USER_AGENTS == HONEST:
            return cls(honest=honest, faces=None)
        listed = load_user_agents(settings.USER_AGENTS)
        if listed.is_old():
            logger.warning("The browsers of USER_AGENTS are those of %s: time for `make user-agents`", listed.taken)
        languages = settings.USER_AGENTS_LANGUAGES.split(",")
        decodable = frozenset(encoding.decode() for encoding in ACCEPTED_ENCODINGS)
        return cls(honest=honest, faces=Faces(listed.profiles, languages=languages, decodable=decodable))

    def process_request(self, request: Request) -> None:
        """Set the headers."""
        if not _undress(request) and b"User-Agent" in request.headers:
            return
        destination: Destination = "image" if request.callback is NO_CALLBACK else "document"
        if self._faces is None or urlparse_cached(request).path == "/robots.txt":
            self._dress_honestly(request, destination)
        else:
            self._dress(request, destination, self._faces)

    def process_response(self, request: Request, response: Response) -> Response:
        """Take them off: what is made of this request, a redirect or a retry, may go to another site or proxy."""
        _undress(request)
        return response

    def process_exception(self, request: Request, exception: Exception) -> None:  # noqa: ARG002 - Scrapy's signature
        """Take them off, as from one that was answered."""
        _undress(request)

    def _dress_honestly(self, request: Request, destination: Destination) -> None:
        request.headers["User-Agent"] = self._honest
        if destination == "image":
            request.headers["Accept"] = IMAGE_ACCEPT
        request.meta[DRESSED] = AS_OURSELVES

    def _dress(self, request: Request, destination: Destination, faces: Faces) -> None:
        own: dict[bytes, list[bytes]] = request.headers
        before = dict(own)
        referrers = before.get(b"Referer")
        wanted = faces.headers(
            request.url,
            host=urlparse_cached(request).hostname or "",
            destination=destination,
            referrer=referrers[-1].decode("latin-1") if referrers else "",
            proxy=request.meta.get("proxy") or "",
        )
        # A dictionary keeps the order in which its keys came: so all are taken out and put in anew. The names are
        # written as Scrapy's Headers writes them, which need not do it again for each.
        own.clear()
        for name, value in wanted:
            if value is not None:
                dict.__setitem__(own, name, [value])
            elif name in before:
                dict.__setitem__(own, name, before[name])
        for name, values in before.items():  # Authorization, Range and whatever else a request may bring
            if not dict.__contains__(own, name):
                dict.__setitem__(own, name, values)
        request.meta[DRESSED] = AS_BROWSER


def _undress(request: Request) -> bool:
    """Remove what this middleware has set, and tell whether there was anything."""
    dressed = request.meta.pop(DRESSED, None)
    for name in _OURS.get(dressed, ()):
        dict.pop(request.headers, name, None)
    return dressed is not None
