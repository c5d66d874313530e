"""A crawl: where it starts, where it may go and when it ends, as the spider's `-a` arguments say."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from image_spider.exceptions import UsageError
from image_spider.urls import Follow, start_url

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

    @classmethod
    def from_arguments(
        cls,
        *,
        url: str = "",
        file: str = "",
        max_images: str = "",
        max_depth: str = "",
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
        return cls(id=crawl_id or _default_id(options), **options)  # type: ignore[arg-type]


def _start_urls(url: str, file: str) -> tuple[str, ...]:
    texts = [part.strip() for part in re.split(r",(?=\s*https?://)|\s+", url)]
    if file:
        try:
            texts += [line.strip() for line in Path(file).read_text(encoding="utf-8-sig").splitlines()]
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError("file", file, f"a readable text file with one URL per line ({error})") from error
    urls = dict.fromkeys(start_url(text) for text in texts if text and not text.startswith("#"))
    if not urls:
        raise UsageError("url", url, "at least one start URL: -a url=https://example.com/ or -a file=urls.txt")
    return tuple(urls)


def _count(name: str, text: str, *, minimum: int) -> int | None:
    if not text:
        return None
    if not (text.isascii() and text.isdigit()) or int(text) < minimum:
        raise UsageError(name, text, f"a whole number from {minimum}")
    return int(text)


def _flag(name: str, text: str) -> bool:
    word = str(text).casefold()
    if word not in {"true", "false", "1", "0", "yes", "no"}:
        raise UsageError(name, text, "true or false")
    return word in {"true", "1", "yes"}


def _default_id(options: dict[str, object]) -> str:
    digest = hashlib.sha256(json.dumps(options, sort_keys=True).encode()).hexdigest()
    first: str = options["start_urls"][0]  # type: ignore[index]
    return f"{urlsplit(first).hostname}-{digest[:10]}"
