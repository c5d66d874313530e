"""The face that a site sees through a proxy: the headers of one browser, for each kind of request. Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import lru_cache

from image_spider.identity.choice import choose
from image_spider.identity.headers import Asked, Destination, Headers, browser_headers, fetch_site
from image_spider.identity.profiles import Profile
from image_spider.urls import registrable_host

SITES = 10_000  # remembered with their faces; one that is forgotten gets the same again
KINDS = 2_000  # profiles times the kinds of request


class Faces:
    """Gives each request the headers of its site's browser.

    All hosts of a site (a registrable domain) see one browser, as they would of a person: its images may lie on another
    host than its pages, and cookies know sites, too. Another proxy is another person.
    """

    def __init__(self, profiles: Sequence[Profile], *, languages: Sequence[str], decodable: Collection[str]) -> None:
        self._profiles = profiles
        self._languages = languages
        self._decodable = decodable
        # Of this object alone: the answers depend on its lists.
        self._profile = lru_cache(SITES)(self._choose)
        self._headers = lru_cache(KINDS)(self._make)

    def profile(self, host: str, proxy: str) -> Profile:
        """Return the browser that a host sees through a proxy; "" is no proxy."""
        return self._profile(host, proxy)

    def headers(self, url: str, *, host: str, destination: Destination, referrer: str, proxy: str) -> Headers:
        """Return the headers of a request for a URL, whose host is given too, in their order."""
        profile = self._profile(host, proxy)
        return self._headers(profile, destination, url.startswith("https:"), fetch_site(url, referrer))

    def _choose(self, host: str, proxy: str) -> Profile:
        return choose(self._profiles, site=registrable_host(host), proxy=proxy)

    def _make(self, profile: Profile, destination: Destination, secure: bool, site: str) -> Headers:
        asked = Asked(destination=destination, secure=secure, site=site)  # type: ignore[arg-type]
        return browser_headers(profile, asked, languages=self._languages, decodable=self._decodable)
