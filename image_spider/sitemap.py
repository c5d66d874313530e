"""Sitemaps (sitemaps.org 0.9, with Google's image extension), plain or gzip, read without trusting them."""

from __future__ import annotations

import gzip
import io
import re
import zlib
from dataclasses import dataclass
from itertools import islice

from lxml import etree

GZIP_MAGIC = b"\x1f\x8b"
MAX_BYTES = 52_428_800  # what sitemaps.org allows, uncompressed
MAX_ENTRIES = 50_000  # likewise
MAX_RATIO = 100  # bytes of a compressed one become at most so many times as many, or FREE_BYTES
FREE_BYTES = 1_048_576
# Tags and attributes, which cost some 200 bytes of memory each: 50,000 entries have 500,000, as most sites write them.
MAX_MARKS = 1_000_000


@dataclass(frozen=True, slots=True)
class Sitemap:
    """The absolute or relative addresses that a sitemap or a sitemap index names."""

    sitemaps: tuple[str, ...]
    pages: tuple[str, ...]
    images: tuple[tuple[str, str], ...]  # (page, image)


def parse_sitemap(body: bytes) -> Sitemap:
    """Read a sitemap or an index; what is broken is left out, and what stands beyond the limits."""
    sitemaps: list[str] = []
    pages: list[str] = []
    images: list[tuple[str, str]] = []
    parser = etree.XMLParser(recover=True, resolve_entities=False, no_network=True)
    try:
        root = etree.fromstring(_bounded(_inflate(body)), parser)
    except etree.XMLSyntaxError:  # nothing of it is XML
        root = None
    entries = () if root is None else root.iterchildren("{*}sitemap", "{*}url")
    for entry in islice(entries, MAX_ENTRIES):
        location = (entry.findtext("{*}loc") or "").strip()
        if entry.tag.endswith("sitemap"):
            sitemaps.append(location)
            continue
        pages.append(location)
        found = islice(entry.iterfind("{*}image/{*}loc"), MAX_ENTRIES - len(images))
        images += [(location, (image.text or "").strip()) for image in found]
    return Sitemap(tuple(filter(None, sitemaps)), tuple(filter(None, pages)), tuple(images))


def sitemaps_in_robots(text: str) -> list[str]:
    """Return the addresses in the `Sitemap:` lines of a robots.txt; the time it takes grows as the text does."""
    return re.findall(r"^[ \t]*sitemap:[ \t]*(\S+)", text, re.IGNORECASE | re.MULTILINE)


def _inflate(body: bytes) -> bytes:
    if not body.startswith(GZIP_MAGIC):
        return body[:MAX_BYTES]
    try:
        with gzip.open(io.BytesIO(body)) as file:
            return file.read(min(MAX_BYTES, max(FREE_BYTES, MAX_RATIO * len(body))))
    except (OSError, EOFError, zlib.error):
        return b""


def _bounded(text: bytes) -> bytes:
    """Cut a sitemap that is all tags: its tree would take gigabytes."""
    if text.count(b"<") + text.count(b"=") <= MAX_MARKS:
        return text
    return text[: len(text) * MAX_MARKS // (text.count(b"<") + text.count(b"="))]
