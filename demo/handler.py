"""How the demo server answers one connection: special routes first, then the files of the site."""

from __future__ import annotations

import select
import socket
import time
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, unquote, urlsplit

from demo.routes import ROUTES

if TYPE_CHECKING:
    from demo.server import DemoHTTPServer

SITE = Path(__file__).parent / "site"
LOOK_SECONDS = 0.05  # how often a waiting answer looks whether its client has left
TYPES = {
    ".avif": "image/avif", ".bmp": "image/bmp", ".css": "text/css; charset=utf-8", ".gif": "image/gif",
    ".html": "text/html",  # the charset is left to the page, as most servers leave it
    ".ico": "image/x-icon", ".jp2": "image/jp2", ".jpg": "image/jpeg", ".js": "text/javascript; charset=utf-8",
    ".pdf": "application/pdf", ".png": "image/png", ".psd": "image/vnd.adobe.photoshop", ".svg": "image/svg+xml",
    ".tif": "image/tiff", ".txt": "text/plain; charset=utf-8", ".webp": "image/webp", ".xml": "application/xml",
}  # fmt: skip


class DemoHandler(BaseHTTPRequestHandler):
    """Answers from ROUTES first, then from the files of the site."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # head and body are two writes: the second must not wait for an ACK
    server: DemoHTTPServer

    def do_GET(self) -> None:
        """Answer a GET."""
        self.server.note(self.command, self.path)
        address = urlsplit(self.path)
        self.arguments = {name: values[-1] for name, values in parse_qs(address.query).items()}
        route = ROUTES.get(address.path)
        if route:
            route(self)
        else:
            self.send_site_file(unquote(address.path))

    def do_HEAD(self) -> None:
        """Answer a HEAD: the head that a GET would have."""
        self.do_GET()

    def send_site_file(self, path: str) -> None:
        """Send a file of the site, or 404; a path that ends in / means its index.html."""
        file = (SITE / path.lstrip("/")).resolve()
        if path.endswith("/"):
            file /= "index.html"
        if not file.is_relative_to(SITE.resolve()) or not file.is_file():
            self.send_whole(b"<h1>Not found</h1>\n", "text/html", HTTPStatus.NOT_FOUND)
            return
        self.send_whole(file.read_bytes(), TYPES.get(file.suffix, "application/octet-stream"))

    def send_whole(self, body: bytes, content_type: str, status: HTTPStatus = HTTPStatus.OK) -> None:
        """Send an answer whose length is known."""
        self.send_head(status, {"Content-Type": content_type, "Content-Length": str(len(body))})
        self.send_body(body)

    def send_head(self, status: HTTPStatus, headers: dict[str, str]) -> None:
        """Send the status line and the headers."""
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def send_body(self, body: bytes) -> None:
        """Send bytes of the body, unless the request was a HEAD."""
        if self.command != "HEAD":
            self.wfile.write(body)

    def redirect(self, location: str) -> None:
        """Send the client elsewhere with 302."""
        self.send_head(HTTPStatus.FOUND, {"Location": location, "Content-Length": "0"})

    def wait(self, seconds: float) -> bool:
        """Wait; return False as soon as the server stops or the client leaves."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            if self.server.stopping.wait(min(left, LOOK_SECONDS)) or self._client_left():
                return False
        return not self.server.stopping.is_set()

    def _client_left(self) -> bool:
        readable, _, _ = select.select([self.connection], [], [], 0)
        return bool(readable) and not self.connection.recv(1, socket.MSG_PEEK)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class names it so
        """Write one line to the server's log, if it has one."""
        if self.server.log:
            print(self.log_date_time_string(), format % args, file=self.server.log, flush=True)
