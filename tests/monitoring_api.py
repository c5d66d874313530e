"""A platform's monitoring API, on a free port of 127.0.0.1, which can be away, slow or broken."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

PREFIX = "/api/v1/monitoring"


class MonitoringServer(ThreadingHTTPServer):
    """Keeps what it is told; `answers` are the statuses of the next calls to a path, then all are 200.

    While `gate` is clear, calls are read and not answered; with `trickles`, their answers begin and never end.
    """

    daemon_threads = True

    def __init__(self) -> None:
        self.heartbeats: list[dict[str, Any]] = []
        self.completions: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.answers: dict[str, list[int]] = {"heartbeat": [], "completion": []}
        self.gate = threading.Event()
        self.gate.set()
        self.trickles = False
        self.leaving = False
        super().__init__(("127.0.0.1", 0), _Handler)
        self._thread = threading.Thread(target=self.serve_forever, args=(0.05,))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def status(self, execution_id: str) -> dict[str, Any]:
        """Return what GET /execution/{id}/status shows: what was heard last."""
        heard = [body for body in [*self.heartbeats, *self.completions] if body["execution_id"] == execution_id]
        return heard[-1] if heard else {}

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that has gone is none of our business."""

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.leaving = True
        self.gate.set()
        self.shutdown()
        self.server_close()
        self._thread.join()


class _Handler(BaseHTTPRequestHandler):
    server: MonitoringServer

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        name = self.path.removeprefix(f"{PREFIX}/")
        self.server.headers.append(dict(self.headers))
        status = self.server.answers[name].pop(0) if self.server.answers[name] else 200
        if status == 200:
            {"heartbeat": self.server.heartbeats, "completion": self.server.completions}[name].append(body)
        if self.server.trickles:
            self._trickle()
        self.server.gate.wait()
        if not self.server.leaving:
            self._answer(status, {"message": "ok" if status == 200 else "not now"})

    def do_GET(self) -> None:
        self._answer(200, self.server.status(self.path.removeprefix(f"{PREFIX}/execution/").removesuffix("/status")))

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def _answer(self, status: int, body: object) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def _trickle(self) -> None:
        self.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
        while not self.server.gate.wait(0.05):
            self.wfile.write(b"x")
            self.wfile.flush()
