"""Sitemaps (sitemaps.org 0.9, with Google's image extension), plain or gzip, read without trusting them."""

from __future__ import annotations

import gzip
import io
import re
from dataclasses import dataclass

from lxml import etree

GZIP_MAGIC = b"\x1f\x8b"
MAX_BYTES = 52_428_800  # what sitemaps.org allows, uncompressed


@dataclass(frozen=True, slots=True)
class Sitemap:
    """The absolute or relative addresses that a sitemap or a sitemap index names."""

    sitemaps: tuple[str, ...]
    pages: tuple[str, ...]
    images: tuple[tuple[str, str], ...]  # (page, image)


def parse_sitemap(body: bytes) -> Sitemap:
    """Read a sitemap or an index; what is broken is left out."""
    sitemaps, pages, images = [], [], []
    parser = etree.XMLParser(recover=True, resolve_entities=False, no_network=True)
    try:
        root = etree.fromstring(_inflate(body), parser)
    except etree.XMLSyntaxError:  # nothing of it is XML
        root = None
    for entry in () if root is None else root.iterchildren("{*}sitemap", "{*}url"):
        location = (entry.findtext("{*}loc") or "").strip()
        if entry.tag.endswith("sitemap"):
            sitemaps.append(location)
            continue
        pages.append(location)
        images += [(location, (image.text or "").strip()) for image in entry.iterfind("{*}image/{*}loc")]
    return Sitemap(tuple(filter(None, sitemaps)), tuple(filter(None, pages)), tuple(images))


def sitemaps_in_robots(text: str) -> list[str]:
    """Return the addresses in the `Sitemap:` lines of a robots.txt."""
    return re.findall(r"^\s*sitemap:\s*(\S+)", text, re.IGNORECASE | re.MULTILINE)


def _inflate(body: bytes) -> bytes:
    if not body.startswith(GZIP_MAGIC):
        return body[:MAX_BYTES]
    try:
        with gzip.open(io.BytesIO(body)) as file:
            return file.read(MAX_BYTES)
    except (OSError, EOFError):
        return b""
