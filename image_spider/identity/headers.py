"""The headers that a browser sends, in its order. Pure.

Chromium's and Firefox's were read from the bytes that Chromium 150 and Firefox 140 sent to a plain and a TLS socket
(tests/unit/identity/captures.py holds them), Safari's from a published capture of Safari 27 over plain HTTP.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

from image_spider.identity.client_hints import client_hints
from image_spider.identity.profiles import Browser, Profile
from image_spider.urls import registrable_domain

Destination = Literal["document", "image"]
FetchSite = Literal["none", "same-origin", "same-site", "cross-site"]
Headers = tuple[tuple[bytes, bytes | None], ...]  # None: where the request's own header of that name stands

_ENGINES = {
    Browser.CHROME: "blink",
    Browser.CHROME_ANDROID: "blink",
    Browser.EDGE: "blink",
    Browser.FIREFOX: "gecko",
    Browser.FIREFOX_ANDROID: "gecko",
    Browser.SAFARI: "webkit",
    Browser.SAFARI_IOS: "webkit",
}
_ORDERS = {
    ("blink", "document"): (
        "Connection Sec-Ch-Ua Sec-Ch-Ua-Mobile Sec-Ch-Ua-Platform Upgrade-Insecure-Requests User-Agent Accept"
        " Sec-Fetch-Site Sec-Fetch-Mode Sec-Fetch-User Sec-Fetch-Dest Referer Accept-Encoding Accept-Language Cookie"
    ),
    ("blink", "image"): (
        "Connection Sec-Ch-Ua-Platform User-Agent Sec-Ch-Ua Sec-Ch-Ua-Mobile Accept Sec-Fetch-Site Sec-Fetch-Mode"
        " Sec-Fetch-Dest Sec-Fetch-Storage-Access Referer Accept-Encoding Accept-Language Cookie"
    ),
    ("gecko", "document"): (
        "User-Agent Accept Accept-Language Accept-Encoding Connection Referer Cookie Upgrade-Insecure-Requests"
        " Sec-Fetch-Dest Sec-Fetch-Mode Sec-Fetch-Site Sec-Fetch-User Priority"
    ),
    ("gecko", "image"): (
        "User-Agent Accept Accept-Language Accept-Encoding Connection Referer Cookie"
        " Sec-Fetch-Dest Sec-Fetch-Mode Sec-Fetch-Site Priority"
    ),
    ("webkit", "document"): (
        "Sec-Fetch-Dest User-Agent Upgrade-Insecure-Requests Accept Sec-Fetch-Site Sec-Fetch-Mode Accept-Language"
        " Referer Priority Accept-Encoding Cookie Connection"
    ),
    ("webkit", "image"): (
        "Sec-Fetch-Dest User-Agent Accept Sec-Fetch-Site Sec-Fetch-Mode Accept-Language"
        " Referer Priority Accept-Encoding Cookie Connection"
    ),
}
_OWN = {"Referer": None, "Cookie": None}  # the request's own, at the browser's place
# What browser_headers() may return but for those.
NAMES = tuple(sorted({name.encode() for order in _ORDERS.values() for name in order.split() if name not in _OWN}))
_ACCEPT = {
    ("blink", "document"): (
        "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8,"
        "application/signed-exchange;v=b3;q=0.7"
    ),
    ("blink", "image"): "image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8",
    ("gecko", "document"): "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    ("gecko", "image"): "image/avif,image/webp,image/png,image/svg+xml,image/*;q=0.8,*/*;q=0.5",
    ("webkit", "document"): "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    # Safari asks for image/jxl, image/heic, image/heic-sequence and video/* too, and a server that had them would send
    # what nobody here can read.
    ("webkit", "image"): "image/webp,image/avif,image/png,image/svg+xml,image/*;q=0.8,*/*;q=0.5",
}
_ENCODINGS = {"blink": "gzip deflate br zstd", "gecko": "gzip deflate br zstd", "webkit": "gzip deflate br"}
_PLAIN_ENCODINGS = ("gzip", "deflate")  # over plain HTTP browsers ask for no other: old proxies break them
_PRIORITY = {"document": "u=0, i", "image": "u=5, i"}  # RFC 9218; Chromium sends it over HTTP/2 and 3 only


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a request is for: a page or an image, over TLS or not, and where it was found."""

    destination: Destination
    secure: bool
    site: FetchSite


def fetch_site(url: str, referrer: str) -> FetchSite:
    """Return the value of Sec-Fetch-Site: https://w3c.github.io/webappsec-fetch-metadata/#sec-fetch-site-header"""
    if not referrer:
        return "none"
    if referrer.startswith(url[: url.find("/", len("https://")) + 1] or " "):
        return "same-origin"  # as most are, and told without parsing
    one, other = urlsplit(url), urlsplit(referrer)
    if (one.scheme, one.netloc) == (other.scheme, other.netloc):
        return "same-origin"
    same = one.scheme == other.scheme and registrable_domain(url) == registrable_domain(referrer)
    return "same-site" if same else "cross-site"


def browser_headers(profile: Profile, asked: Asked, *, languages: Sequence[str], decodable: Collection[str]) -> Headers:
    """Return names and values in the order of the browser, Host not among them: the client writes it first.

    `decodable` are the content encodings that can be read here; no other is asked for. Of a browser that is not
    known, the User-Agent is all there is.
    """
    engine = _ENGINES.get(profile.browser)
    if engine is None:
        return ((b"User-Agent", profile.user_agent.encode()),)
    values = {
        "User-Agent": profile.user_agent,
        "Accept": _ACCEPT[engine, asked.destination],
        "Accept-Language": _accept_language(languages),
        "Accept-Encoding": ", ".join(code for code in _encodings(engine, asked) if code in decodable),
        "Connection": "keep-alive",
        **_conditional(profile, engine, asked),
    }
    held: dict[str, str | None] = {name: value for name, value in values.items() if value} | _OWN
    order = (name for name in _ORDERS[engine, asked.destination].split() if name in held)
    return tuple((name.encode(), value.encode() if (value := held[name]) else None) for name in order)


def _conditional(profile: Profile, engine: str, asked: Asked) -> dict[str, str]:
    """Return what is sent with some requests only."""
    values: dict[str, str] = {}
    if asked.destination == "document":
        values["Upgrade-Insecure-Requests"] = "1"
    if engine != "blink":
        values["Priority"] = _PRIORITY[asked.destination]
    if asked.secure:  # client hints and fetch metadata are for trustworthy origins alone
        values |= client_hints(profile) | _fetch_metadata(engine, asked)
    return values


def _fetch_metadata(engine: str, asked: Asked) -> dict[str, str]:
    site = "cross-site" if asked.destination == "image" and asked.site == "none" else asked.site
    values: dict[str, str] = {"Sec-Fetch-Site": site, "Sec-Fetch-Dest": asked.destination}
    if asked.destination == "document":
        return values | {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-User": "?1"}
    if engine == "blink" and site == "cross-site":
        values["Sec-Fetch-Storage-Access"] = "active"
    return values | {"Sec-Fetch-Mode": "no-cors"}


def _encodings(engine: str, asked: Asked) -> Sequence[str]:
    return _ENCODINGS[engine].split() if asked.secure else _PLAIN_ENCODINGS


def _accept_language(languages: Sequence[str]) -> str:
    """Return the languages with falling weights, as Chromium, Safari and Firefox (from 150 or so) write them."""
    weights = (max(0.1, 1 - number / 10) for number in range(len(languages)))
    return ",".join(
        language if weight == 1 else f"{language};q={weight:.1f}"
        for language, weight in zip(languages, weights, strict=True)
    )
