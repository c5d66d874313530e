"""A web server that keeps the very bytes of each request."""

from __future__ import annotations

import socketserver
import ssl
from collections.abc import Mapping

from tests.serving import ServedSite
from tests.tls import Certificate


class RawSite(ServedSite):
    """Bodies by path on a free port of an address of 127.0.0.0/8, over TLS with a certificate; other paths are 404.

    A body that begins with "-> " is a redirect; what `cookies` has for a path is set with its answer.
    """

    def __init__(
        self,
        pages: Mapping[str, str | bytes],
        *,
        address: str = "127.0.0.1",
        certificate: Certificate | None = None,
        cookies: Mapping[str, str] | None = None,
    ) -> None:
        self.pages = dict(pages)
        self.heads: list[bytes] = []  # of each request, up to the empty line
        self._address = address
        self._scheme = "https" if certificate else "http"
        site, cookies = self, cookies or {}

        class Connection(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                while head := self._head():
                    site.heads.append(head)
                    path = head.split(b" ")[1].decode()
                    body = site.pages.get(path)
                    data = body.encode() if isinstance(body, str) else body or b""
                    kind = "text/html" if isinstance(body, str) else "image/png"
                    status = "404 Not Found" if body is None else "302 Found" if data.startswith(b"-> ") else "200 OK"
                    lines = [f"HTTP/1.1 {status}", f"Content-Type: {kind}", f"Content-Length: {len(data)}"]
                    if status.startswith("302"):
                        lines.append(f"Location: {data[3:].decode()}")
                    if path in cookies:
                        lines.append(f"Set-Cookie: {cookies[path]}")
                    self.wfile.write("\r\n".join([*lines, "", ""]).encode() + data)

            def _head(self) -> bytes:
                lines = []
                while (line := self.rfile.readline()) not in (b"\r\n", b""):
                    lines.append(line)
                return b"".join(lines)

        class Server(socketserver.ThreadingTCPServer):
            daemon_threads = True
            allow_reuse_address = True

        server = Server((address, 0), Connection)
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate.file, certificate.key)
            server.socket = context.wrap_socket(server.socket, server_side=True)
        super().__init__(server)

    @property
    def url(self) -> str:
        return f"{self._scheme}://{self._address}:{self._server.server_address[1]}"

    def headers(self, path: str) -> list[list[str]]:
        """Return the lines of each request for a path, the request line and Host left out."""
        wanted = f"GET {path} ".encode()
        heads = [head.decode("latin-1").split("\r\n") for head in self.heads if head.startswith(wanted)]
        return [[line for line in lines[1:] if line and not line.startswith("Host: ")] for lines in heads]
