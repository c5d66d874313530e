"""A node that tells hashes, in this process, with faults that a real one shows on bad days only."""

from __future__ import annotations

import hashlib
import json
import socket
import threading
from email.message import Message
from email.parser import BytesParser
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.serving import ServedSite

GATEWAY_TIMEOUT = 504


class HashTellingNode(ServedSite):
    """Keeps eggs in memory, the last one that was added is current; speaks HTTP as our node package does.

    `damages`: an egg loses its last byte. `dies_in_upload`: nobody listens any more once the first bytes have come.
    `keeps_silent`: it takes an upload and does not answer. `shadows`: it lists other spiders. `overtaken_by`: after an
    upload such a version is current. `refuses`: it answers an upload with such a status, and has got such bytes under
    the same name from another deployment. `gives_up`: a proxy before it answers that an upload took too long.
    """

    def __init__(
        self,
        *,
        damages: bool = False,
        dies_in_upload: bool = False,
        keeps_silent: bool = False,
        shadows: bool = False,
        overtaken_by: str = "",
        refuses: tuple[int, bytes] | None = None,
        gives_up: bool = False,
    ) -> None:
        self.eggs: dict[str, bytes] = {}
        self.uploads = 0
        self.damages = damages
        self.dies_in_upload = dies_in_upload
        self.keeps_silent = keeps_silent
        self.shadows = shadows
        self.refuses = refuses
        self.gives_up = gives_up
        self.has_upload = threading.Event()
        self._closing = threading.Event()
        self.overtaken_by = overtaken_by
        node = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                self._answer(node.told(urlsplit(self.path).path.strip("/")))

            def do_POST(self) -> None:
                length = int(self.headers["Content-Length"])
                service = self.path.strip("/")
                if service == "addversion.json" and node.dies_in_upload:
                    self.rfile.read(1000)
                    node.stop_listening()
                    self.close_connection = True
                    self.connection.shutdown(socket.SHUT_RDWR)
                    return
                body = self.rfile.read(length)
                if service == "addversion.json" and node.keeps_silent:
                    node.has_upload.set()
                    node.wait_for_closing()
                    self.close_connection = True
                    return
                if service == "addversion.json":
                    fields = _form(self.headers, body)
                    self._answer({}, status=node.take(fields["version"].decode(), fields["egg"]))
                    return
                version = parse_qs(body.decode())["version"][0]
                egg = node.eggs.pop(version, b"")
                if service == "activate.json":
                    node.eggs[version] = egg
                self._answer({})

            def _answer(self, values: dict[str, Any], *, status: int = 200) -> None:
                content = _content(values, status)
                self.send_response(status)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: object) -> None: ...

        super().__init__(ThreadingHTTPServer(("127.0.0.1", 0), Handler))
        self.url = f"http://127.0.0.1:{self._server.server_port}/"

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing.set()
        super().__exit__(kind, error, trace)

    def wait_for_closing(self) -> None:
        self._closing.wait()

    def stop_listening(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def take(self, version: str, egg: bytes) -> int:
        """Return the status of the answer."""
        if self.gives_up:
            return GATEWAY_TIMEOUT
        if self.refuses:
            status, self.eggs[version] = self.refuses
            return status
        self.add(version, egg)
        return 200

    def add(self, version: str, egg: bytes) -> None:
        self.uploads += 1
        self.eggs[version] = egg[:-1] if self.damages else egg
        if self.overtaken_by:
            self.eggs[self.overtaken_by] = b"of another deployment"

    def told(self, service: str) -> dict[str, Any]:
        if service == "listspiders.json":
            return {"spiders": ["images", "of_a_checkout"] if self.shadows else ["images"]}
        current = list(self.eggs)[-1:]
        return {
            "eggs": [
                {"version": name, "sha256": hashlib.sha256(egg).hexdigest(), "current": [name] == current}
                for name, egg in self.eggs.items()
            ]
        }


def _content(values: dict[str, Any], status: int) -> bytes:
    if status == GATEWAY_TIMEOUT:
        return b"<html>the words of a proxy</html>"
    told = {"status": "ok"} if status == 200 else {"status": "error", "message": "refused"}
    return json.dumps(told | {"node_name": "node"} | values).encode()


def _form(headers: Message, body: bytes) -> dict[str, bytes]:
    head = f"Content-Type: {headers['Content-Type']}\r\n\r\n".encode()
    parts: Any = BytesParser().parsebytes(head + body).get_payload()
    return {part.get_param("name", header="content-disposition"): part.get_payload(decode=True) for part in parts}
