"""Requests of a bounded size: Twisted reads them whole, before it asks who sends them."""

from __future__ import annotations

import json
from typing import Any

from twisted.web.server import Request


class BoundedRequest(Request):
    """Drops a body beyond `max_bytes` as it comes and answers 413; a client that is cut off would not read why."""

    max_bytes = 64 << 20

    def __init__(self, *words: Any, **options: Any) -> None:
        super().__init__(*words, **options)
        self._received = 0

    @property
    def _is_too_large(self) -> bool:
        return self._received > self.max_bytes

    def gotLength(self, length: int | None) -> None:
        """Make room, but for no more than may come."""
        super().gotLength(length if length is None else min(length, self.max_bytes))

    def handleContentChunk(self, data: bytes) -> None:
        """Keep a part of the body, or count it only."""
        self._received += len(data)
        if not self._is_too_large:
            super().handleContentChunk(data)

    def requestReceived(self, command: bytes, path: bytes, version: bytes) -> None:
        """Take the request up; a body that was dropped is not parsed."""
        if self._is_too_large:
            self.requestHeaders.removeHeader(b"content-type")
        super().requestReceived(command, path, version)

    def process(self) -> None:
        """Answer the request."""
        if not self._is_too_large:
            super().process()
            return
        message = f"the request has more than {self.max_bytes:,} bytes: see request_max_bytes in scrapyd.conf"
        content = json.dumps({"status": "error", "message": message}).encode() + b"\n"
        self.setResponseCode(413)
        self.setHeader(b"Content-Type", b"application/json")
        self.setHeader(b"Content-Length", str(len(content)).encode())
        self.write(content)
        self.finish()
