"""What anyone may push as a start URL: a plain URL, or JSON that names a crawl and its limits."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from scrapy import Request

from image_spider.crawl import Crawl
from image_spider.exceptions import UsageError

DEFAULT_CRAWL = "default"
LIMITS = ("max_images", "max_depth", "max_pages", "max_bytes", "categories", "follow", "sitemap", "download")
KEYS = ("url", "crawl_id", *LIMITS, "priority", "meta", "method")


@dataclass(frozen=True, slots=True, kw_only=True)
class StartEntry:
    """An entry that was understood: its crawl, and how its URL is to be fetched."""

    url: str
    crawl: Crawl
    priority: int = 0
    meta: Mapping[str, Any] = field(default_factory=dict)
    method: str = "GET"

    def apply(self, request: Request) -> Request:
        """Return the spider's request for the URL with what the entry asks for."""
        meta = {**self.meta, **request.meta}
        return request.replace(priority=self.priority, method=self.method, meta=meta)


def read_entry(raw: bytes) -> StartEntry:
    """Read an entry; raises UsageError.

    A plain URL, and JSON with neither a crawl_id nor a limit, belong to the crawl `default`. Limits without a crawl_id
    make a crawl of their own, named by what it is asked to do, as `scrapy crawl` does.
    """
    try:
        text = raw.decode().strip()
    except UnicodeDecodeError as error:
        raise UsageError("entry", raw[:100], "text in UTF-8") from error
    values = _object(text) if text.startswith("{") else {"url": text}
    for name in values.keys() - set(KEYS):
        raise UsageError(name, values[name], f"the keys are {', '.join(KEYS)}")
    if not isinstance(values.get("url"), str) or not values["url"].strip():
        raise UsageError("url", values.get("url"), "one URL")
    arguments = {name: _argument(name, values[name]) for name in LIMITS if values.get(name) is not None}
    crawl_id = values.get("crawl_id") or ("" if arguments else DEFAULT_CRAWL)
    crawl = Crawl.from_arguments(url=values["url"], crawl_id=str(crawl_id), **arguments)
    if len(crawl.start_urls) != 1:
        raise UsageError("url", values["url"], "one URL")
    return StartEntry(
        url=crawl.start_urls[0],
        crawl=crawl,
        priority=_priority(values),
        meta=_meta(values),
        method=_method(values),
    )


def _object(text: str) -> dict[str, Any]:
    try:
        values = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UsageError("entry", text[:100], f"a URL or a JSON object ({error})") from error
    assert isinstance(values, dict)  # it begins with a brace
    return values


def _argument(name: str, value: object) -> str:
    """Return a JSON value as the text that `-a` would give."""
    if name == "categories" and isinstance(value, list):
        return ",".join(map(str, value))
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | str):
        return str(value)
    raise UsageError(name, value, "a number, a text, true or false; categories may be a list")


def _priority(values: Mapping[str, Any]) -> int:
    priority = values.get("priority") or 0
    if isinstance(priority, bool) or not isinstance(priority, int) or abs(priority) > 2**31:
        raise UsageError("priority", priority, "a whole number")
    return priority


def _meta(values: Mapping[str, Any]) -> dict[str, Any]:
    meta = values.get("meta") or {}
    if not isinstance(meta, dict):
        raise UsageError("meta", meta, "a JSON object")
    return meta


def _method(values: Mapping[str, Any]) -> str:
    method = values.get("method") or "GET"
    if not isinstance(method, str) or not re.fullmatch(r"[A-Za-z]{1,20}", method):
        raise UsageError("method", method, "an HTTP method")
    return method.upper()
