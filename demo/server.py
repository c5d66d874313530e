"""The demo site's web server: `python -m demo.server [--port 8800] [--host 127.0.0.1] [--log FILE]`.

Standard library only. Tests use it as `with DemoServer(port=0) as site: site.url; site.requests`.
"""

from __future__ import annotations

import argparse
import contextlib
import socket
import sys
import threading
from http.server import ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TextIO

from demo.handler import DemoHandler


class DemoHTTPServer(ThreadingHTTPServer):
    """Counts requests, and can end every connection: a client's idle keep-alive must not hold a thread for ever."""

    daemon_threads = False  # server_close() joins the handlers' threads
    request_queue_size = 128

    def __init__(self, host: str, port: int, log: TextIO | None) -> None:
        self.log = log
        self.stopping = threading.Event()
        self.requests: list[tuple[str, str]] = []
        self._lock = threading.Lock()
        self._connections: set[socket.socket] = set()
        super().__init__((host, port), DemoHandler)

    def note(self, method: str, path: str) -> None:
        """Remember one request."""
        with self._lock:
            self.requests.append((method, path))

    def process_request(self, request: Any, client_address: Any) -> None:
        """Remember the connection for as long as it lives."""
        with self._lock:
            self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """Forget the connection and close it."""
        with self._lock:
            self._connections.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of clients that leave: that is their right."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)

    def stop(self) -> None:
        """End every wait and connection, then join the threads."""
        self.stopping.set()
        self.shutdown()
        with self._lock:
            for connection in self._connections:
                with contextlib.suppress(OSError):  # the client may have closed it first
                    connection.shutdown(socket.SHUT_RDWR)
        self.server_close()


class DemoServer:
    """The demo site on a background thread, for the length of a with block; port 0 takes a free one."""

    def __init__(self, port: int = 0, host: str = "127.0.0.1", log: TextIO | None = None) -> None:
        self._address = (host, port)
        self._log = log

    def __enter__(self) -> Self:
        self._server = DemoHTTPServer(*self._address, log=self._log)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), name="demo site")
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.stop()
        self._thread.join()

    @property
    def url(self) -> str:
        """The address of the site, without a slash at its end."""
        host, port = self._server.server_address[:2]
        return f"http://{host!s}:{port}"

    @property
    def requests(self) -> list[tuple[str, str]]:
        """The (method, path) of every request so far, oldest first; the path carries its query."""
        return list(self._server.requests)


def main() -> None:
    """Serve until Ctrl-C."""
    parser = argparse.ArgumentParser(description="Serve the demo site.")
    parser.add_argument("--port", type=int, default=8800)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--log", type=Path, help="write one line for each request to this file instead of the terminal")
    options = parser.parse_args()
    with contextlib.ExitStack() as stack:
        log = stack.enter_context(options.log.open("a", encoding="utf-8")) if options.log else sys.stderr
        site = stack.enter_context(DemoServer(options.port, options.host, log))
        print(f"The demo site is at {site.url}/ (Ctrl-C ends it)", flush=True)
        with contextlib.suppress(KeyboardInterrupt):
            threading.Event().wait()


if __name__ == "__main__":
    main()
