"""Small web sites that a test makes up."""

from __future__ import annotations

from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.serving import ServedSite

HTML = "text/html; charset=utf-8"


class Site(ServedSite):
    """Pages by path on a free port of 127.0.0.1; a body that begins with "-> " is a redirect, any other path a 404.

    The pages may be changed while it serves; {url} in a body is the site's own address.
    """

    def __init__(self, pages: Mapping[str, str | bytes]) -> None:
        self.pages = dict(pages)
        self.statuses: dict[str, int] = {}  # of paths that are not answered by 200
        self.requests: list[str] = []
        self.connections: set[object] = set()
        site = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                site.requests.append(self.path)
                site.connections.add(self.client_address)
                body = site.pages.get(self.path)
                data = body.replace("{url}", site.url).encode() if isinstance(body, str) else body or b""
                redirect = data.startswith(b"-> ")
                status = 302 if redirect else 404 if body is None else 200
                self.send_response(site.statuses.get(self.path, status))
                if redirect:
                    self.send_header("Location", data[3:].decode())
                self.send_header("Content-Type", HTML if isinstance(body, str) else "image/png")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        super().__init__(ThreadingHTTPServer(("127.0.0.1", 0), Handler))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"
