"""A web site of any size with a log of its requests and a gate that holds its answers back."""

from __future__ import annotations

import asyncio
from collections import Counter
from types import TracebackType
from typing import Self

from tests.images import a_png
from tests.serving import LoopThread

IMAGES_EACH = 2
FAN_OUT = 6


class GatedSite:
    """Pages "/", "/1" ... on a thread of its own; page n shows images 2n, 2n + 1 and the first one of the next page.

    A page links to six pages of its own, to the page above it and to the first one. `requests` is the log: each path,
    as it was asked for. The gate makes faults strike when some requests are in flight and some are not begun,
    however fast the machine is.
    """

    def __init__(self, pages: int) -> None:
        self.pages = pages
        self.requests: list[str] = []
        self.answered = 0
        self._limit: float = float("inf")
        self._opened = asyncio.Event()

    def __enter__(self) -> Self:
        self._loop = LoopThread()
        self._server = self._loop.run(asyncio.start_server(self._serve, "127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.run(self._stop())
        self._loop.close()

    @property
    def all_pages(self) -> set[str]:
        return {_page(number) for number in range(self.pages)}

    @property
    def all_images(self) -> set[str]:
        return {_image(number) for number in range(IMAGES_EACH * self.pages)}

    @property
    def all_sightings(self) -> set[tuple[str, str]]:
        """Return the URLs of each page and each of its images."""
        return {
            (self.url + _page(number), self.url + image)
            for number in range(self.pages)
            for image in self._shown(number)
        }

    def share(self, part: float) -> int:
        """Return how many answers are such a part of all that are needed."""
        return int(part * (1 + IMAGES_EACH) * self.pages)

    def hold_at(self, answers: int) -> None:
        """Answer so many requests in all, and let the others wait."""
        self._let(answers)

    def open(self) -> None:
        """Answer everything."""
        self._let(float("inf"))

    def asked(self) -> Counter[str]:
        """Return how often each path was asked for."""
        return Counter(tuple(self.requests))

    @property
    def holds(self) -> bool:
        """Whether a request waits at the gate."""
        return len(self.requests) > self.answered >= self._limit

    def _let(self, limit: float) -> None:
        async def change() -> None:
            self._limit = limit
            self._opened.set()
            self._opened = asyncio.Event()

        self._loop.run(change())

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
                status, kind, body = self._answer(path)
                if status == 200:
                    await self._note(path)
                writer.write(
                    b"HTTP/1.1 %d -\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s"
                    % (status, kind, len(body), body)
                )
                await writer.drain()
        except (asyncio.IncompleteReadError, OSError, asyncio.CancelledError):
            writer.transport.abort()  # the client has left, or was killed; or the test is over

    async def _note(self, path: str) -> None:
        self.requests.append(path)
        while self.answered >= self._limit:
            await self._opened.wait()
        self.answered += 1

    def _answer(self, path: str) -> tuple[int, bytes, bytes]:
        name = path.strip("/")
        if name.endswith(".png"):
            return 200, b"image/png", a_png(int(name.removesuffix(".png")))
        if not name or name.isdigit():
            return 200, b"text/html", self._html(int(name or 0)).encode()
        return 404, b"text/plain", b""  # robots.txt

    def _html(self, number: int) -> str:
        below = range(FAN_OUT * number + 1, min(self.pages, FAN_OUT * (number + 1) + 1))
        links = "".join(f'<a href="{_page(other)}">x</a>' for other in (*below, max(0, number - 1) // FAN_OUT, 0))
        tags = "".join(f'<img src="{image}">' for image in self._shown(number))
        return f"<html>{links}{tags}</html>"

    def _shown(self, number: int) -> list[str]:
        first = IMAGES_EACH * number
        return [_image(shown % (IMAGES_EACH * self.pages)) for shown in range(first, first + IMAGES_EACH + 1)]


def _page(number: int) -> str:
    return f"/{number}" if number else "/"


def _image(number: int) -> str:
    return f"/{number}.png"
