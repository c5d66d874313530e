"""A web site with bad days: each path has answers for its first, second ... request, and the last one stays."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.serving import ServedSite


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A response; `dropped` closes the connection without one."""

    status: int = 200
    body: bytes = b"<html></html>"
    headers: Mapping[str, str] = field(default_factory=dict)
    dropped: bool = False


NOT_FOUND = Answer(status=404, body=b"")
DROPPED = Answer(dropped=True)


class TroubledSite(ServedSite):
    """Answers by path on a free port of an address of this machine; {url} in a body is the site's own address.

    `log` has the time.monotonic() and the path of each request. What has no answers of its own gets `otherwise`.
    """

    def __init__(
        self,
        answers: Mapping[str, Answer | Sequence[Answer]],
        *,
        otherwise: Answer = NOT_FOUND,
        address: str = "127.0.0.1",
        port: int = 0,
    ) -> None:
        self.answers = {path: (one,) if isinstance(one, Answer) else tuple(one) for path, one in answers.items()}
        self.otherwise = otherwise
        self.log: list[tuple[float, str]] = []
        self._lock = threading.Lock()
        site = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                answer = site._next(self.path)
                if answer.dropped:
                    self.close_connection = True
                    return
                body = answer.body.replace(b"{url}", site.url.encode())
                self.send_response(answer.status)
                kind = "image/png" if body.startswith(b"\x89PNG") else "text/html"
                for name, value in {"Content-Type": kind, **answer.headers}.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        super().__init__(ThreadingHTTPServer((address, port), Handler))

    @property
    def url(self) -> str:
        address, port = self._server.server_address[:2]
        return f"http://{address!s}:{port}"

    def asked(self, path: str) -> list[float]:
        """Return when a path was asked for."""
        with self._lock:
            return [moment for moment, asked in self.log if asked == path]

    def _next(self, path: str) -> Answer:
        with self._lock:
            self.log.append((time.monotonic(), path))
            return self.answer_to(path, sum(asked == path for _, asked in self.log))

    def answer_to(self, path: str, number: int) -> Answer:
        """Choose the answer to the first, second ... request for a path, which stands in the log already."""
        answers = self.answers.get(path, (self.otherwise,))
        return answers[min(number, len(answers)) - 1]
