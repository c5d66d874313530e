"""A service that nobody outside may reach: it counts who connects."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from types import TracebackType
from typing import Self


class Victim:
    """Listens on every address of this machine, IPv4 and IPv6, and answers each request with a secret."""

    def __init__(self) -> None:
        self.connections: list[str] = []  # the address of ours that each was made to
        self._sockets = [_listening(socket.AF_INET, "0.0.0.0", 0)]
        self.port: int = self._sockets[0].getsockname()[1]
        with suppress(OSError):  # a machine without IPv6
            self._sockets.append(_listening(socket.AF_INET6, "::", self.port))
        self._threads = [threading.Thread(target=self._serve, args=(listening,)) for listening in self._sockets]

    def _serve(self, listening: socket.socket) -> None:
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            self.connections.append(connection.getsockname()[0])
            with connection, suppress(OSError):
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\nConnection: close\r\n\r\nsecret")

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for listening in self._sockets:
            with suppress(OSError):
                listening.shutdown(socket.SHUT_RDWR)  # accept() returns
            listening.close()
        for thread in self._threads:
            thread.join()


def _listening(family: socket.AddressFamily, address: str, port: int) -> socket.socket:
    listening = socket.socket(family, socket.SOCK_STREAM)
    if family == socket.AF_INET6:
        listening.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    listening.bind((address, port))
    listening.listen(64)
    return listening
