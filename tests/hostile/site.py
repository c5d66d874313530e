"""A web site that does what it likes: answers by path, and a count of what it sent for each."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from urllib.parse import urlsplit

from tests.serving import ServedSite

BLOCK = b"<!-- " + b"x" * 16_380 + b"-->"


class Visit:
    """One request to a hostile site, and the means to answer it badly."""

    def __init__(self, handler: BaseHTTPRequestHandler, site: HostileSite) -> None:
        self._handler = handler
        self._site = site
        self.path = handler.path
        self.name = urlsplit(handler.path).path.strip("/").partition("/")[0]

    def send(self, data: bytes) -> None:
        """Send bytes as they are."""
        self._handler.wfile.write(data)
        self._site.sent[self.name] += len(data)

    def head(self, **headers: object) -> None:
        """Send the head of a good answer; Content_Type is HTML unless told. No connection is kept."""
        headers = {"Content_Type": "text/html", "Connection": "close", **headers}
        lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
        self.send(f"HTTP/1.1 200 OK\r\n{lines}\r\n".encode("latin-1"))

    def whole(self, body: bytes | str, **headers: object) -> None:
        """Send a whole answer."""
        body = body.encode() if isinstance(body, str) else body
        self.head(Content_Length=len(body), **headers)
        self.send(body)

    def redirect(self, location: str) -> None:
        """Send the client elsewhere."""
        self.send(
            f"HTTP/1.1 302 Found\r\nLocation: {location}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n".encode()
        )

    def for_ever(self, data: bytes, *, pause: float = 0.0) -> None:
        """Send the same bytes until the client leaves or the site ends."""
        while not self._site.stopping.wait(pause):
            self.send(data)

    def wait(self) -> None:
        """Say nothing until the site ends."""
        self._site.stopping.wait()


Answer = Callable[[Visit], None]


class HostileSite(ServedSite):
    """Serves answers by the first part of their path on an address of its own; anything else is a 404.

    sent and visits count bytes and requests by that part, for all below it.
    """

    def __init__(self, answers: Mapping[str, Answer], *, address: str) -> None:
        self.answers = dict(answers)
        self.sent: Counter[str] = Counter()
        self.visits: Counter[str] = Counter()
        self.stopping = threading.Event()
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                visit = Visit(self, site)
                site.visits[visit.name] += 1
                self.close_connection = True
                with suppress(OSError):  # the client has left
                    if visit.name in site.answers:
                        site.answers[visit.name](visit)
                    else:
                        visit.send(b"HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        super().__init__(ThreadingHTTPServer((address, 0), Handler))
        self.url = f"http://{address}:{self._server.server_address[1]}"

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stopping.set()
        super().__exit__(kind, error, trace)
