"""Answers that wear a crawler down; tests ask for them by name, no page links to them."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from demo.handler import DemoHandler

HTML = "text/html; charset=utf-8"
BLOCK_BYTES = 65536
DRIP_SECONDS = 0.2


def huge(handler: DemoHandler) -> None:
    """Stream a page of ?bytes=N (default 100 million), chunked with &chunked=1, else with its Content-Length."""
    left = int(handler.arguments.get("bytes", "100000000"))
    chunked = handler.arguments.get("chunked") == "1"
    length = {"Transfer-Encoding": "chunked"} if chunked else {"Content-Length": str(left)}
    handler.send_head(HTTPStatus.OK, {"Content-Type": HTML, **length})
    start = b"<!DOCTYPE html><title>Huge</title><p>"[:left]
    block = start + b"a" * (min(left, BLOCK_BYTES) - len(start))
    while left and handler.wait(0):
        block = block[:left]
        handler.send_body(b"%x\r\n%b\r\n" % (len(block), block) if chunked else block)
        left -= len(block)
        block = b"a" * BLOCK_BYTES
    if left:
        handler.close_connection = True  # the server stops: the answer stays unfinished
    elif chunked:
        handler.send_body(b"0\r\n\r\n")


def drip(handler: DemoHandler) -> None:
    """Send a page byte by byte for ?seconds=N (default 60)."""
    count = int(float(handler.arguments.get("seconds", "60")) / DRIP_SECONDS)
    body = b"<p>drip</p>".ljust(count, b".")[:count]
    handler.send_head(HTTPStatus.OK, {"Content-Type": HTML, "Content-Length": str(count)})
    for position in range(count):
        if not handler.wait(DRIP_SECONDS):
            handler.close_connection = True
            return
        handler.send_body(body[position : position + 1])


def slow(handler: DemoHandler) -> None:
    """Wait ?seconds=N (default 60) before the first byte."""
    if handler.wait(float(handler.arguments.get("seconds", "60"))):
        handler.send_whole(b"<p>At last.</p>\n", HTML)
    else:
        handler.close_connection = True


def short(handler: DemoHandler) -> None:
    """Promise ten times the bytes that come, then close the connection."""
    body = b"<!DOCTYPE html><title>Short</title><p>Half a"
    handler.close_connection = True
    handler.send_head(HTTPStatus.OK, {"Content-Type": HTML, "Content-Length": str(len(body) * 10)})
    handler.send_body(body)


def nul(handler: DemoHandler) -> None:
    """Send a page full of zero bytes around one link and one image."""
    page = b"<!DOCTYPE html>\0<title>Nu\0l</title>\0\0<a href=/travel.html>on\0</a>\0<img src=/media/rocket.jpg>\0"
    handler.send_whole(page, HTML)
