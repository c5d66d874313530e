"""A server that speaks Patroni's REST API as Patroni 4 does."""

from __future__ import annotations

import json
from base64 import b64encode
from http.server import BaseHTTPRequestHandler
from typing import Any, ClassVar


class Api(BaseHTTPRequestHandler):
    """One Patroni's API, for the members named in `roles`, by host or host:port; all have it as theirs."""

    roles: ClassVar[dict[str, str]] = {}
    asked: ClassVar[list[tuple[str, Any]]] = []

    def do_GET(self) -> None:
        url = f"http://127.0.0.1:{self.server.server_port}/patroni"  # type: ignore[attr-defined]
        told = []
        for name, role in self.roles.items():
            host, _, port = name.partition(":")
            address = {"host": host, "port": int(port or 5432)}
            told.append({"name": name, "role": role, "state": "running", "api_url": url, **address})
        self._answer(json.dumps({"members": told}))

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers["Authorization"] != f"Basic {b64encode(b'keeper:p@ss:word').decode()}":
            self.send_error(401, "wrong user")
            return
        self.asked.append((self.path, json.loads(body)))
        self._answer("reinitialize started")

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def _answer(self, text: str) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(text.encode())
