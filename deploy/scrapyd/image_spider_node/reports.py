"""Services that report: `metrics.json`, `metrics` for Prometheus, and `tail.json`, a part of a job's log."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThread
from twisted.web.server import Request

from image_spider_node.errors import Refused
from image_spider_node.monitoring import Monitoring, monitoring_of
from image_spider_node.prometheus import CONTENT_TYPE, render
from image_spider_node.service import Service
from image_spider_node.tail import DEFAULT_BYTES, SEARCH_BYTES, read_piece, search


class MetricsJson(Service):
    """What the node, its machine and its jobs use."""

    def render_GET(self, txrequest: Request) -> Deferred[dict[str, Any]]:
        return monitoring_of(self.root.app).figures().addCallback(lambda figures: figures.as_json())


class MetricsText(Service):
    """The same for Prometheus."""

    def render_GET(self, txrequest: Request) -> Deferred[bytes]:
        txrequest.setHeader("Content-Type", CONTENT_TYPE)
        return monitoring_of(self.root.app).figures().addCallback(render)


class Tail(Service):
    """A piece of a job's log, or the lines of it that hold a text."""

    def render_GET(self, txrequest: Request) -> Deferred[dict[str, Any]]:
        project, spider, job = (_text(txrequest, name) for name in ("project", "spider", "job"))
        offset, length = _number(txrequest, "offset"), _number(txrequest, "bytes")
        needle = _text(txrequest, "search") if b"search" in txrequest.args else None
        monitoring = monitoring_of(self.root.app)
        answer: Deferred[dict[str, Any]] = monitoring.readers.run(
            deferToThread, _read, monitoring, (project, spider, job), offset=offset, length=length, needle=needle
        )
        return answer


def _read(
    monitoring: Monitoring, name: tuple[str, str, str], *, offset: int | None, length: int | None, needle: str | None
) -> dict[str, Any]:
    project, _, job = name
    state = monitoring.jobs.state(project, job)  # before the log: when this says that it ended, the log is whole
    with monitoring.logs.open(*name) as file:
        if needle is None:
            found: Any = read_piece(file, offset=offset, length=length or DEFAULT_BYTES)
        else:
            found = search(file, needle, offset=offset, length=length or SEARCH_BYTES)
    return {"state": state} | asdict(found)


def _text(txrequest: Request, name: str) -> str:
    values = txrequest.args.get(name.encode())
    if not values:
        raise Refused(400, f"'{name}' parameter is required")
    try:
        return str(values[0].decode())
    except UnicodeDecodeError as error:
        raise Refused(400, f"{name} is not allowed: text in UTF-8") from error


def _number(txrequest: Request, name: str) -> int | None:
    if name.encode() not in txrequest.args:
        return None
    text = _text(txrequest, name)
    if not text.isascii() or not text.isdigit() or len(text) > 18:
        raise Refused(400, f"{name}={text!r} is not allowed: a number from 0")
    return int(text)
