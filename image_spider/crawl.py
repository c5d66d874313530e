"""A crawl: where it starts, where it may go and when it ends, as the spider's `-a` arguments say."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import urlsplit

from image_spider.exceptions import UsageError
from image_spider.urls import Follow, start_url

MAX_COUNT = 2**31 - 1  # what a column of the catalog holds
MAX_BYTES = 2**53  # what a number in Lua holds
RECORDED_START_URLS = 100  # of a crawl of millions, the rest is in the queue
FOLLOW: tuple[Follow, ...] = ("domain", "host", "any")


@dataclass(frozen=True, slots=True, kw_only=True)
class Crawl:
    """What one crawl is asked to do.

    The id names the crawl in the catalog. Without one given it is made from everything else, so the same command is
    the same crawl: run again, it refreshes its rows instead of adding a second set.
    """

    id: str
    start_urls: tuple[str, ...]
    max_images: int | None  # unique images; None is no limit
    max_depth: int | None  # links away from a start URL; 0 is the start URLs alone, None is no limit
    categories: tuple[str, ...]
    follow: Follow  # which links: "domain" (registrable domain of the start URL), "host" or "any"
    sitemap: bool
    download: bool
    max_pages: int | None = None  # pages and sitemaps that are asked for; None is no limit
    max_bytes: int | None = None  # that come over the network, of pages and images; None is no limit

    @classmethod
    def from_arguments(
        cls,
        *,
        url: str = "",
        file: str = "",
        max_images: str = "",
        max_depth: str = "",
        max_pages: str = "",
        max_bytes: str = "",
        categories: str = "",
        follow: str = "domain",
        sitemap: str = "false",
        download: str = "true",
        crawl_id: str = "",
    ) -> Crawl:
        """Read the spider's arguments; raise UsageError for the first one that is not allowed."""
        if follow not in FOLLOW:
            raise UsageError("follow", follow, f"one of {', '.join(FOLLOW)}")
        if not re.fullmatch(r"[\w.:-]{0,100}", crawl_id, re.ASCII):
            raise UsageError("crawl_id", crawl_id, "at most 100 letters, digits and the characters _ . : -")
        options = {
            "start_urls": _start_urls(url, file),
            "max_images": _count("max_images", max_images, minimum=1),
            "max_depth": _count("max_depth", max_depth, minimum=0),
            "categories": tuple(word.strip().casefold() for word in categories.split(",") if word.strip()),
            "follow": follow,
            "sitemap": _flag("sitemap", sitemap),
            "download": _flag("download", download),
        }
        # A limit that is not given is no part of the id: the same command was the same crawl before there was such one.
        limits = {
            "max_pages": _count("max_pages", max_pages, minimum=1),
            "max_bytes": _count("max_bytes", max_bytes, minimum=1, maximum=MAX_BYTES),
        }
        options |= {name: limit for name, limit in limits.items() if limit is not None}
        return cls(id=crawl_id or _default_id(options), **options)  # type: ignore[arg-type]

    def to_json(self) -> str:
        """Return what other workers must know of the crawl, with the first of its start URLs."""
        return json.dumps(asdict(self) | {"start_urls": self.start_urls[:RECORDED_START_URLS]})

    @classmethod
    def from_json(cls, text: str) -> Crawl:
        """Return the crawl of `to_json`; raises ValueError, TypeError or KeyError for another text."""
        values = json.loads(text)
        return cls(**values | {name: tuple(values[name]) for name in ("start_urls", "categories")})


def _start_urls(url: str, file: str) -> tuple[str, ...]:
    separator = r",(?=\s*https?://)|\s+" if "://" in url else r"[,\s]+"  # a URL may have commas of its own
    urls = dict.fromkeys(start_url(text) for text in re.split(separator, url) if text)
    if file:
        urls |= dict.fromkeys(_urls_of_file(file))
    if not urls:
        raise UsageError("url", url, "at least one start URL: -a url=https://example.com/ or -a file=urls.txt")
    return tuple(urls)


def _urls_of_file(file: str) -> Iterator[str]:
    try:
        lines = Path(file).read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError("file", file, f"a readable text file with one URL per line ({error})") from error
    for number, line in enumerate(lines, start=1):
        text = line.strip()
        if text and not text.startswith("#"):
            try:
                yield start_url(text)
            except UsageError as error:
                raise UsageError(f"file {file}, line {number}", text, error.allowed) from None


def _count(name: str, text: str, *, minimum: int, maximum: int = MAX_COUNT) -> int | None:
    if not text:
        return None
    if not (text.isascii() and text.isdigit()) or not minimum <= int(text) <= maximum:
        raise UsageError(name, text, f"a whole number from {minimum} to {maximum}")
    return int(text)


def _flag(name: str, text: str) -> bool:
    word = str(text).casefold()
    if word not in {"true", "false", "1", "0", "yes", "no"}:
        raise UsageError(name, text, "true or false")
    return word in {"true", "1", "yes"}


def _default_id(options: dict[str, object]) -> str:
    digest = hashlib.sha256(json.dumps(options, sort_keys=True).encode()).hexdigest()
    first: str = options["start_urls"][0]  # type: ignore[index]
    return f"{(urlsplit(first).hostname or '')[:80]}-{digest[:10]}"
