"""A bucket service that misbehaves when told to: the part of the XML API that Amazon and Google share, without keys."""

from __future__ import annotations

import hashlib
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

DATE = "Fri, 20 Nov 2026 20:00:00 GMT"


class BucketSite:
    """Serves objects on a free port of 127.0.0.1; any bucket is there, but for those named `missing`."""

    def __init__(self, *, port: int = 0) -> None:
        self.objects: dict[str, bytes] = {}  # bucket/path -> bytes
        self.asked: list[tuple[str, str]] = []  # methods and paths, in order
        self.answers: list[int] = []  # statuses of the next answers; what is asked is not done
        self.broken_puts = 0  # uploads whose connection breaks when half of them has come
        self.cut_bodies = 0  # downloads whose connection breaks when half of them has gone
        self.lost_answers = 0  # uploads that are done, and whose connection breaks before they are answered
        self.lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", port), type("_Handler", (_Handler,), {"site": self}))
        self._server.daemon_threads = True
        self.port = self._server.server_port
        self.url = f"http://127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def take(self, fault: str) -> bool:
        """Use up one of these faults, if there is one left."""
        with self.lock:
            left = int(getattr(self, fault))
            setattr(self, fault, max(left - 1, 0))
            return left > 0

    def google_account(self, folder: Path) -> Path:
        """Write the service account of a Google Cloud Storage that is this site."""
        file = folder / "account.json"
        file.write_text(
            f'{{"type": "service_account", "gcs_base_url": "{self.url}", "disable_oauth": true, "client_email": "", '
            '"private_key": "", "private_key_id": ""}'
        )
        return file


class _Handler(BaseHTTPRequestHandler):
    site: BucketSite
    protocol_version = "HTTP/1.1"

    def do_PUT(self) -> None:
        length = int(self.headers["Content-Length"])
        if self.site.take("broken_puts"):
            self.rfile.read(length // 2)
            self._break()
            return
        data = self.rfile.read(length)
        if self._refused():
            return
        self.site.objects[self._path] = data
        if self.site.take("lost_answers"):
            self._break()
            return
        self._answer(200, b"", data)

    def do_GET(self) -> None:
        if self._refused():
            return
        query = parse_qs(urlsplit(self.path).query)
        if "list-type" in query:
            self._answer(200, self._list(query.get("prefix", [""])[0]))
            return
        data = self.site.objects.get(self._path)
        if data is None:
            self._answer(404, b"<Error><Code>NoSuchKey</Code><Message>none</Message></Error>")
            return
        if self.site.take("cut_bodies"):
            self._head(200, len(data), data)
            self.wfile.write(data[: len(data) // 2])
            self._break()
            return
        asked = self.headers["Range"]
        begin = int(asked.removeprefix("bytes=").partition("-")[0]) if asked else 0
        self._answer(206 if asked else 200, data[begin:], data, begin=begin)

    do_HEAD = do_GET  # noqa: N815 - the name that http.server asks for

    def do_DELETE(self) -> None:
        if not self._refused():
            self._answer(204 if self.site.objects.pop(self._path, None) is not None else 404)

    def do_POST(self) -> None:  # DeleteObjects, as Amazon has it
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        if self._refused():
            return
        keys = [part.partition("</Key>")[0] for part in body.split("<Key>")[1:]]
        for key in keys:
            self.site.objects.pop(f"{self._path}/{key}", None)
        deleted = "".join(f"<Deleted><Key>{key}</Key></Deleted>" for key in keys)
        self._answer(200, f"<DeleteResult>{deleted}</DeleteResult>".encode())

    @property
    def _path(self) -> str:
        return unquote(urlsplit(self.path).path).strip("/")

    def _refused(self) -> bool:
        self.site.asked.append((self.command, self._path))
        with self.site.lock:
            status = self.site.answers.pop(0) if self.site.answers else 0
        if status:
            self._answer(status, b"<Error><Code>Refused</Code><Message>as told</Message></Error>")
        elif self._path.partition("/")[0] == "missing":
            self._answer(404, b"<Error><Code>NoSuchBucket</Code><Message>none</Message></Error>")
        return bool(status) or self._path.partition("/")[0] == "missing"

    def _list(self, prefix: str) -> bytes:
        whole = {path.partition("/")[2]: data for path, data in self.site.objects.items()}
        rows = "".join(
            f"<Contents><Key>{escape(path)}</Key><Size>{len(data)}</Size><ETag>x</ETag>"
            "<LastModified>2026-11-20T20:00:00.000Z</LastModified></Contents>"
            for path, data in sorted(whole.items())
            if path.startswith(prefix)
        )
        return f"<ListBucketResult><IsTruncated>false</IsTruncated>{rows}</ListBucketResult>".encode()

    def _head(self, status: int, length: int, data: bytes, *, begin: int = 0) -> None:
        self.send_response(status)
        if status == 206:
            self.send_header("Content-Range", f"bytes {begin}-{len(data) - 1}/{len(data)}")
        self.send_header("Content-Length", str(length))
        self.send_header("Last-Modified", DATE)
        self.send_header("ETag", f'"{hashlib.md5(data).hexdigest()}"')
        self.end_headers()

    def _answer(self, status: int, body: bytes = b"", data: bytes = b"", *, begin: int = 0) -> None:
        self._head(status, len(body), data, begin=begin)
        if self.command != "HEAD":
            self.wfile.write(body)

    def _break(self) -> None:
        self.close_connection = True
        self.wfile.flush()
        self.connection.shutdown(2)

    def log_message(self, *arguments: object) -> None:
        """Say nothing."""
