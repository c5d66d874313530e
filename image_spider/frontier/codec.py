"""A request as JSON and back. Never pickle: whoever may write to Redis must not be able to run code here.

JSON and not msgpack, which is a dependency more and saves little: docs/decisions/0010-frontier.md has the figures.
"""

from __future__ import annotations

import base64
import inspect
import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from scrapy import Request

from image_spider.exceptions import PayloadError

if TYPE_CHECKING:
    from scrapy import Spider

_DUMP = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode
KEYS = frozenset(
    {
        "url", "callback", "errback", "cb_kwargs", "meta", "priority", "method", "headers", "body", "cookies",
        "encoding", "flags", "dont_filter",
    }
)  # fmt: skip


def encode(request: Request, spider: Spider) -> bytes:
    """Return a request as JSON in ASCII; what has its default value is left out.

    Headers are pairs of text in Latin-1, the body is Base64, callbacks are names of the spider's methods. Tuples come
    back as lists, and a subclass of Request as a Request with the same URL, headers and body. Raises PayloadError for
    a callback that is no method of the spider, and for meta, cb_kwargs or cookies that JSON cannot hold.
    """
    values: dict[str, Any] = {"url": request.url}
    if request.callback is not None:
        values["callback"] = _name(request.callback, spider)
    if request.errback is not None:
        values["errback"] = _name(request.errback, spider)
    for name in ("cb_kwargs", "meta", "priority", "cookies", "flags", "dont_filter"):
        if value := getattr(request, name):
            values[name] = value
    if request.method != "GET":
        values["method"] = request.method
    if request.encoding != "utf-8":
        values["encoding"] = request.encoding
    if request.headers:
        values["headers"] = [
            [name.decode("latin-1"), value.decode("latin-1")]
            for name, several in request.headers.items()
            for value in several
        ]
    if request.body:
        values["body"] = base64.b64encode(request.body).decode()
    try:
        return _DUMP(values).encode("ascii")
    except (TypeError, ValueError, RecursionError) as error:
        raise PayloadError(f"{request} cannot be written as JSON: {error}") from error


def decode(payload: bytes, spider: Spider) -> Request:
    """Return the request of a payload; raises PayloadError for one that is broken or names an unknown callback."""
    try:
        values = json.loads(payload.decode("ascii"))
        unknown = values.keys() - KEYS
        if unknown:
            raise PayloadError(f"unknown keys in the payload: {', '.join(sorted(unknown))}")
        for name in ("callback", "errback"):
            if name in values:
                values[name] = _method(values[name], spider)
        if "headers" in values:
            values["headers"] = _headers(values["headers"])
        if "body" in values:
            values["body"] = base64.b64decode(values["body"], validate=True)
        return Request(**values)
    except (TypeError, ValueError, AttributeError, LookupError, RecursionError) as error:
        detail = f"{type(error).__name__}: {error}"
        raise PayloadError(f"the payload is no request: {detail}") from error


def outline(request: Request) -> bytes:
    """Return what stands for a request that cannot be written: its URL alone, in a payload that decode refuses."""
    return _DUMP({"url": request.url, "not written": True}).encode("ascii")


def url_of(payload: bytes) -> str:
    """Return the URL in a payload, also of one that decode refuses; empty when there is none."""
    try:
        return str(json.loads(payload)["url"])
    except (TypeError, ValueError, LookupError, RecursionError):
        return ""


def _name(function: Callable[..., Any], spider: Spider) -> str:
    name: str = getattr(function, "__name__", "")
    if getattr(function, "__self__", None) is not spider or getattr(spider, name, None) != function:
        raise PayloadError(f"the callback {function!r} is not a method of the spider {spider.name}")
    return name


def _method(name: str, spider: Spider) -> Callable[..., Any]:
    method = None if name.startswith("_") else getattr(spider, name, None)
    if not inspect.ismethod(method) or method.__self__ is not spider:
        raise PayloadError(f"the spider {spider.name} has no callback {name!r}")
    return method


def _headers(pairs: list[list[str]]) -> dict[bytes, list[bytes]]:
    headers: dict[bytes, list[bytes]] = {}
    for name, value in pairs:
        headers.setdefault(name.encode("latin-1"), []).append(value.encode("latin-1"))
    return headers
