"""The platform's monitoring API, as a task sees it: two calls, each with a deadline."""

from __future__ import annotations

import json
import socket
import threading
from base64 import b64encode
from contextlib import closing, suppress
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from urllib.parse import unquote, urlsplit

from image_spider.exceptions import ReportFailed

HEARTBEAT = "/api/v1/monitoring/heartbeat"
COMPLETION = "/api/v1/monitoring/completion"
BUSY = frozenset({408, 425, 429})  # worth asking again, as every 5xx is
SHOWN_CHARACTERS = 200  # of an answer that refuses


class MonitoringApi:
    """Posts JSON; redirects are not followed, and proxies of the environment not used. Blocks: call it from a thread.

    It keeps no connection between calls, 30 s apart: the other end would have closed it.
    """

    def __init__(self, base_url: str, *, token: str = "") -> None:
        parts = urlsplit(base_url)
        self._secure = parts.scheme == "https"
        self._host, self._port, self._path = parts.hostname or "", parts.port, parts.path
        self._headers = {"Content-Type": "application/json", "Connection": "close"}
        if token:
            self._headers["Authorization"] = f"Bearer {token}"
        elif parts.username is not None:
            credentials = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
            self._headers["Authorization"] = f"Basic {b64encode(credentials.encode()).decode()}"
        self.name = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"

    def post(self, path: str, body: dict[str, object], *, seconds: float) -> None:
        """Send a report; raises ReportFailed. It takes so many seconds at most, and so many more to connect."""
        data = json.dumps(body, ensure_ascii=False).encode("utf-8", "replace")
        try:
            status, text = self._exchange(self._path + path, data, seconds)
        except (OSError, HTTPException, ValueError) as error:  # ValueError: of a host that is no name
            reason = f"{type(error).__name__} {error}".strip()
            message = f"{self.name} does not answer ({reason}): see that API_BASE_URL is right"
            raise ReportFailed(message, busy=True) from error
        if status >= 300:
            refusal = " ".join(f"HTTP {status} {text}".split())
            raise ReportFailed(f"{self.name}{path} refuses: {refusal}", busy=status >= 500 or status in BUSY)

    def _exchange(self, path: str, data: bytes, seconds: float) -> tuple[int, str]:
        """Return the status of the answer, and the beginning of one that refuses.

        The time-out of a socket holds for each piece that arrives: a timer cuts an answer that trickles.
        """
        make = HTTPSConnection if self._secure else HTTPConnection
        with closing(make(self._host, self._port, timeout=seconds)) as connection:
            connection.connect()
            cut = threading.Event()  # http.client takes an answer that was cut for a short one
            alarm = threading.Timer(seconds, _cut, (connection.sock, cut))
            alarm.daemon = True
            alarm.start()
            try:
                connection.request("POST", path, body=data, headers=self._headers)
                with connection.getresponse() as answer:
                    text = answer.read(SHOWN_CHARACTERS).decode("utf-8", "replace") if answer.status >= 300 else ""
            finally:
                alarm.cancel()
            if cut.is_set():
                raise TimeoutError(f"its answer was not whole after {seconds:g} s")
            return answer.status, text


def _cut(connected: socket.socket, cut: threading.Event) -> None:
    cut.set()
    with suppress(OSError):  # closed meanwhile
        connected.shutdown(socket.SHUT_RDWR)
