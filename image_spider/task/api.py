"""The platform's monitoring API, as a task sees it: two calls, each with a deadline."""

from __future__ import annotations

import json
import socket
import threading
from base64 import b64encode
from contextlib import suppress
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
        """Send a report; raises ReportFailed, after `seconds` at the latest but for the look-up of a name.

        A time-out of a socket holds for each piece that arrives; an answer that trickles is cut by a timer.
        """
        data = json.dumps(body, ensure_ascii=False).encode("utf-8", "replace")
        make = HTTPSConnection if self._secure else HTTPConnection
        connection = make(self._host, self._port, timeout=seconds)
        alarm = threading.Timer(seconds, _cut, (connection,))
        alarm.daemon = True
        alarm.start()
        try:
            connection.request("POST", self._path + path, body=data, headers=self._headers)
            answer = connection.getresponse()
            text = answer.read(SHOWN_CHARACTERS).decode("utf-8", "replace") if answer.status >= 300 else ""
        except (OSError, HTTPException) as error:
            reason = f"{type(error).__name__} {error}".strip()
            raise ReportFailed(
                f"{self.name} does not answer ({reason}): see that API_BASE_URL is right", busy=True
            ) from error
        finally:
            alarm.cancel()
            connection.close()
        if answer.status >= 300:
            refusal = " ".join(f"HTTP {answer.status} {text}".split())
            busy = answer.status >= 500 or answer.status in BUSY
            raise ReportFailed(f"{self.name}{path} refuses: {refusal}", busy=busy)


def _cut(connection: HTTPConnection) -> None:
    with suppress(OSError, AttributeError):  # closed meanwhile, or not connected yet
        connection.sock.shutdown(socket.SHUT_RDWR)
