"""A connection that counts all that comes in: heads, hints and the framing of chunks too, not the body alone."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any

import aiohttp
from aiohttp.client_proto import ResponseHandler

from image_spider.sent_request import SentRequest


class TooManyBytes(aiohttp.ClientPayloadError):
    """One answer took more bytes on the network than its body may have, twice over."""


class CountingConnection(ResponseHandler):
    """Ends an answer whose body is small and whose framing is not: 8 kB of chunk extension for each byte, say.

    Scrapy counts the body, and time alone would let 40 MB a second pass.
    """

    def __init__(self, *, loop: asyncio.AbstractEventLoop, most: int) -> None:
        super().__init__(loop=loop)
        self._most = most
        self._received = 0

    def set_response_params(self, **options: Any) -> None:
        """Begin to count anew: the next answer comes over a connection that was kept."""
        self._received = 0
        super().set_response_params(**options)

    def data_received(self, data: bytes) -> None:
        """Count, and pass on."""
        self._received += len(data)
        if self._received <= self._most:
            super().data_received(data)
            return
        error = TooManyBytes(f"more than {self._most:,} bytes for one answer, its framing included")
        if self._payload is not None:
            self._payload.set_exception(error)
        self.set_exception(error)
        self._parser = None  # else it would put an error of its own in the place of this one
        if self.transport is not None:
            self.transport.abort()


def prepare(session: aiohttp.ClientSession, *, maxsize: int) -> None:
    """Let a session send what it is told to, once, and end answers of more than twice maxsize bytes; 0: never.

    aiohttp has no public place for any of it, and Scrapy makes its session without asking; tests on the wire hold it.
    """
    session._request_class = SentRequest  # noqa: SLF001
    session._retry_connection = False  # noqa: SLF001 - a GET that is sent again by itself is unseen by turns and budgets
    if maxsize and session.connector:
        loop = asyncio.get_running_loop()
        connection = partial(CountingConnection, loop=loop, most=2 * maxsize)
        session.connector._factory = connection  # type: ignore[assignment] # noqa: SLF001
