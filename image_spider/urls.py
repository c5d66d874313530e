"""URLs as a browser reads and writes them."""

from __future__ import annotations

import functools
import ipaddress
import re
from typing import Literal
from urllib.parse import urljoin, urlsplit, urlunsplit

from tldextract import TLDExtract
from w3lib.url import safe_url_string

from image_spider.exceptions import UsageError

Follow = Literal["host", "domain", "any"]

# The longest URL that Internet Explorer took: sites kept below it, and so do proxies and the catalog's index.
MAX_URL_CHARACTERS = 2083

_DEFAULT_PORTS = {"http": 80, "https": 443}
_CONTROLS_AND_SPACE = "".join(map(chr, range(0x21)))
_TABS_AND_NEWLINES = str.maketrans("", "", "\t\n\r")
_BEFORE_QUERY = re.compile(r"[^?#]*")
_SLASHES = re.compile(r"((?:https?:)?)/{2,}", re.IGNORECASE)
_LABEL = r"[a-z0-9_-]{1,63}"
_HOST_NAME = re.compile(rf"{_LABEL}(?:\.{_LABEL})*\.?")
_PLAIN_TEXT = r"[\w.~!$&()*+,;=:@%/-]"
# What most URLs look like once they are joined: canonical already, which saves two thirds of the time.
_PLAIN_URL = re.compile(rf"https?://{_HOST_NAME.pattern}/{_PLAIN_TEXT}*+(?:\?{_PLAIN_TEXT}++)?", re.ASCII)
# A path that no base can change but by standing before it: no scheme, no dot segments, no empty ones, no parameters.
_SEGMENT = r"(?!\.{1,2}(?:[/?]|\Z))[\w.~!$&()*+,=@%-]++"
_PLAIN_PATH = re.compile(rf"(?=[^?])(/?+)((?:{_SEGMENT}/)*+(?:{_SEGMENT})?+(?:\?{_PLAIN_TEXT}++)?+)", re.ASCII)
_BARE_HOST = re.compile(r"(?:localhost|[^\s/:?#@\\]+\.[^\s/:?#@\\]+)(?::[0-9]+)?(?:[/?#].*)?", re.IGNORECASE)
_USERINFO = re.compile(r"([^/?#]*//)[^/?#]*@")  # at the beginning
_EXTENSIONS = "apng|avif|bmp|gif|heic|heif|ico|jfif|jpe|jpeg|jpg|jp2|jxl|png|svg|tif|tiff|webp"
# A colon in the name marks a page about a file, such as MediaWiki's /wiki/File:Cat.jpg.
_IMAGE_NAME = re.compile(rf"(?:^|/)[^/:]*\.(?:{_EXTENSIONS})(?:;[^/]*)?$", re.IGNORECASE)


def join(base: str, reference: str) -> str | None:
    """Resolve a reference as a browser would into a canonical http or https URL, percent-encoded where needed.

    The answer is None for whatever a crawler cannot fetch: other schemes, an empty or unparsable reference, a bad
    port or host, more than MAX_URL_CHARACTERS. It never raises. Source of the repairs (controls and spaces around,
    tabs and newlines inside, backslashes, too many slashes): https://url.spec.whatwg.org/#concept-basic-url-parser
    """
    if path := _PLAIN_PATH.fullmatch(reference):
        before = _before_path(base, path[1])
        url = before and before + path[2]
    else:
        url = _join(base, _repair(reference))
    return url if 0 < len(url) <= MAX_URL_CHARACTERS else None


def canonical(url: str) -> str:
    """Write an absolute URL in the one form that names it: what join() gives is in this form already.

    Scheme and host in lower case, no default port, no fragment, at least "/" as path. The order of the query is
    kept, for some image servers read it. Raises ValueError for a bad port or bad brackets.
    """
    parts = urlsplit(url)
    if not parts.netloc:
        return url
    userinfo, at, _ = parts.netloc.rpartition("@")
    host = parts.hostname or ""
    host = f"[{host}]" if ":" in host else host
    port = "" if parts.port in (None, _DEFAULT_PORTS.get(parts.scheme)) else f":{parts.port}"
    return urlunsplit((parts.scheme, f"{userinfo}{at}{host}{port}", parts.path or "/", parts.query, ""))


def without_credentials(url: str) -> str:
    """Return an absolute URL as it may be shown: without user and password."""
    match = _USERINFO.match(url)
    return match[1] + url[match.end() :] if match else url


def registrable_domain(url: str) -> str:
    """Give the part of a URL's host that its owner registered: shop.example.co.uk -> example.co.uk.

    Private suffixes count as browsers count them: me.github.io is its own site. A host without a registrable part
    (an IP address, localhost, a bare suffix) is given whole. The suffix list is the one inside tldextract: nothing
    is downloaded, so a suffix younger than the installed version is not known.
    """
    return registrable_host(urlsplit(url).hostname or "")


@functools.lru_cache(maxsize=1024)
def registrable_host(host: str) -> str:
    """Give the part of a host that its owner registered, as registrable_domain() does."""
    found = _suffixes().extract_str(host, include_psl_private_domains=True)
    return found.top_domain_under_public_suffix or host


def load_suffixes() -> None:
    """Prepare for registrable_domain(), whose first call would take a seventh of a second."""
    registrable_domain("http://example.com/")


def same_site(url: str, other: str, follow: Follow) -> bool:
    """Say whether two URLs lie within one crawl: on the same host, on the same registrable domain, or anywhere."""
    if follow == "any":
        return True
    if follow == "host":
        return urlsplit(url).hostname == urlsplit(other).hostname
    return registrable_domain(url) == registrable_domain(other)


def has_image_extension(url: str) -> bool:
    """Say whether the path of a URL, absolute or relative, ends in the file extension of an image format."""
    if len(url) > MAX_URL_CHARACTERS:
        return False
    before_query = _BEFORE_QUERY.match(url)
    path = before_query[0] if before_query else ""
    _, is_absolute, rest = path.partition("://")
    return _IMAGE_NAME.search(rest.partition("/")[2] if is_absolute else path) is not None


def start_url(text: str) -> str:
    """Read the URL that a user typed; example.com/path means https. Raises UsageError when it is no web address."""
    typed = text.strip()
    url = join("", f"https://{typed}" if _BARE_HOST.fullmatch(typed) else typed)
    if url is None:
        raise UsageError("url", text, "an http or https URL, for example https://example.com/")
    return url


@functools.lru_cache(maxsize=16)
def _before_path(base: str, root: str) -> str:
    """Give what stands before every path that is relative to the base, or to its root when that is "/"."""
    return _join(base, f"{root}-")[:-1]


def _join(base: str, reference: str) -> str:
    """Resolve a repaired reference by the rules of urllib and w3lib, slowly; nothing when it leads nowhere."""
    if not 0 < len(reference) <= MAX_URL_CHARACTERS:
        return ""
    try:
        url = reference if _PLAIN_URL.fullmatch(reference) else urljoin(base, reference)
        return url if _PLAIN_URL.fullmatch(url) else _encode(url)
    except ValueError:  # urllib's answer to brackets, ports and characters that no URL may hold
        return ""


def _repair(reference: str) -> str:
    """Undo the slips in a reference that browsers overlook; give nothing when it announces a host and names none."""
    reference = reference.strip(_CONTROLS_AND_SPACE).translate(_TABS_AND_NEWLINES)
    if "\\" in reference:
        reference = _BEFORE_QUERY.sub(lambda head: head[0].replace("\\", "/"), reference, count=1)
    slashes = _SLASHES.match(reference)
    if not slashes:
        return reference
    rest = reference[slashes.end() :]
    return "" if rest[:1] in ("", "?", "#") else f"{slashes[1]}//{rest}"  # urljoin would answer "//" with the base


def _encode(url: str) -> str:
    """Percent-encode a URL into its canonical form; nothing or ValueError when it cannot be fetched over HTTP."""
    url = safe_url_string(url)
    parts = urlsplit(url)
    return canonical(url) if parts.scheme in _DEFAULT_PORTS and _is_host(parts.hostname or "") else ""


def _is_host(host: str) -> bool:
    if ":" in host:
        return "%" not in host and bool(ipaddress.IPv6Address(host))  # which raises ValueError
    return _HOST_NAME.fullmatch(host) is not None


@functools.cache
def _suffixes() -> TLDExtract:
    return TLDExtract(suffix_list_urls=(), cache_dir=None)
