"""A web site that notes when each request came, and how a host's budget was used by that."""

from __future__ import annotations

import asyncio
import time
from bisect import bisect_left
from types import TracebackType
from typing import Self

from tests.images import a_png
from tests.serving import LoopThread


class TimedSite:
    """Pages "/", "/1" ... on a thread of its own, each with images of its own; a page links to two others.

    `requests` is the log: the time.monotonic() at which a request's head was there, and its path. Each answer takes
    `seconds`. `once` may hold other answers by path, each given once: status, headers, body.
    """

    def __init__(self, *, pages: int, images_each: int, seconds: float = 0.0, address: str = "127.0.0.1") -> None:
        self.pages = pages
        self.images_each = images_each
        self.requests: list[tuple[float, str]] = []
        self.once: dict[str, tuple[int, str, bytes]] = {}
        self.most_at_once = 0
        self._at_once = 0
        self._seconds = seconds
        self._address = address

    def __enter__(self) -> Self:
        self._loop = LoopThread()
        self._server = self._loop.run(asyncio.start_server(self._serve, self._address, 0))
        self.url = f"http://{self._address}:{self._server.sockets[0].getsockname()[1]}"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.run(self._stop())
        self._loop.close()

    @property
    def moments(self) -> list[float]:
        return [at for at, _ in tuple(self.requests)]

    async def _stop(self) -> None:
        self._server.close()
        serving = asyncio.all_tasks() - {asyncio.current_task()}
        for task in serving:
            task.cancel()
        await asyncio.gather(*serving, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                path = head.split(b" ", 2)[1].decode()
                self.requests.append((time.monotonic(), path))
                self._at_once += 1
                self.most_at_once = max(self.most_at_once, self._at_once)
                try:
                    if self._seconds:
                        await asyncio.sleep(self._seconds)
                finally:
                    self._at_once -= 1
                status, headers, body = self.once.pop(path, None) or self._answer(path)
                writer.write(
                    f"HTTP/1.1 {status} -\r\n{headers}Content-Length: {len(body)}\r\n\r\n".encode() + body,
                )
                await writer.drain()
        except (asyncio.IncompleteReadError, OSError, asyncio.CancelledError):
            writer.transport.abort()

    def _answer(self, path: str) -> tuple[int, str, bytes]:
        name = path.strip("/")
        if name.endswith(".png"):
            return 200, "Content-Type: image/png\r\n", a_png(int(name.removesuffix(".png")))
        if not name or name.isdigit():
            return 200, "Content-Type: text/html\r\n", self._html(int(name or 0)).encode()
        return 404, "", b""

    def _html(self, number: int) -> str:
        links = "".join(f'<a href="/{child}">x</a>' for child in (2 * number + 1, 2 * number + 2) if child < self.pages)
        images = range(number * self.images_each, (number + 1) * self.images_each)
        return f"<html>{links}{''.join(f'<img src=/{image}.png>' for image in images)}</html>"


def fullest_second(moments: list[float]) -> int:
    """Return the most requests in any second that begins with one."""
    return max(bisect_left(moments, start + 1.0) - number for number, start in enumerate(moments))


def keeps_to(per_second: float, moments: list[float], *, late: float = 1.5) -> bool:
    """Tell whether there were no more requests than a rate allows, if some may have come so many seconds late."""
    return len(moments) <= per_second * (moments[-1] - moments[0] + late)


def rate(moments: list[float]) -> float:
    """Return the requests per second from the first to the last."""
    return (len(moments) - 1) / (moments[-1] - moments[0])
