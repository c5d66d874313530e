"""Real proxies for the tests: HTTP, CONNECT and SOCKS5 on one port, which can be told to misbehave.

A proxy notes what it was asked for; its thread has an event loop of its own.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import gzip
import random
import time
from collections.abc import Awaitable
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from tests.serving import LoopThread

CHUNK = 1 << 16
CHALLENGE = b"<html><title>Just a moment...</title></html>"


class RealProxy:
    """Forwards until told otherwise.

    `mood` may be changed while it runs: "well", "hang" (no answer), "cut" (closes at once), "ban" (answers 403 in the
    host's name), "challenge" (redirects to a captcha), "page" (a challenge page), "packed" (the same, compressed),
    "html" (HTML in place of anything),
    "forbid" (refuses hosts: 403 to CONNECT, reply 2 in SOCKS), "lost" (cannot reach hosts: 502, reply 4).
    `fails` is the share of requests that it cuts all the same.
    """

    def __init__(self, *, credentials: tuple[str, str] | None = None, mood: str = "well", fails: float = 0.0) -> None:
        self.credentials = credentials
        self.mood = mood
        self.fails = fails
        self.asked: list[str] = []  # host:port, or path of a plain request
        self.times: list[float] = []  # time.monotonic() of each
        self.headers: list[str] = []  # of plain requests, without those that are the proxy's
        self.refused = 0  # for want of credentials
        self.port = 0
        self._dice = random.Random(7)
        self._tasks: set[asyncio.Task[None]] = set()
        self._writers: set[asyncio.StreamWriter] = set()

    def url(self, scheme: str = "http", *, credentials: bool = True) -> str:
        user = "{}:{}@".format(*self.credentials) if self.credentials and credentials else ""
        return f"{scheme}://{user}127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        self._loop = LoopThread()
        self._server = self._loop.run(self._start())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.run(self._stop())
        self._loop.close()

    def _note(self, what: str) -> None:
        self.asked.append(what)
        self.times.append(time.monotonic())

    async def _start(self) -> asyncio.Server:
        server = await asyncio.start_server(self._accept, "127.0.0.1", self.port)
        self.port = server.sockets[0].getsockname()[1]
        return server

    async def _stop(self) -> None:
        for _ in range(10):  # a connection that is just accepted has no task yet, and asyncio loses it with its server
            await asyncio.sleep(0)
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for writer in tuple(self._writers):  # of tasks that were cancelled before they began
            await _abort(writer)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        task = asyncio.ensure_future(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with contextlib.suppress(OSError, asyncio.IncompleteReadError):
                first = await reader.readexactly(1)
                await (self._socks(reader, writer) if first == b"\x05" else self._http(first, reader, writer))
        finally:
            await _abort(writer)
            self._writers.discard(writer)

    async def _http(self, first: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            head = first + await reader.readuntil(b"\r\n\r\n")
            first = b""
            line, *rest = head.decode("latin-1").strip().split("\r\n")
            headers = {name.lower(): value.strip() for name, _, value in (one.partition(":") for one in rest)}
            method, target, _ = line.split(" ")
            if not self._let_in(headers.get("proxy-authorization", "")):
                self.refused += 1
                writer.write(b"HTTP/1.1 407 Who are you\r\nContent-Length: 0\r\n\r\n")
                continue
            if method == "CONNECT":
                await self._connect(target, reader, writer)
                return
            if not await self._plain(target, rest, writer):
                return

    def _let_in(self, header: str) -> bool:
        if not self.credentials:
            return True
        words = ":".join(self.credentials).encode()
        return header == f"Basic {base64.b64encode(words).decode()}"

    async def _moody(self, writer: asyncio.StreamWriter) -> bool:
        """Misbehave where the mood is to do so before anything is forwarded."""
        if self.mood == "hang":
            await asyncio.Event().wait()
        return self.mood == "cut" or self._dice.random() < self.fails

    async def _plain(self, target: str, headers: list[str], writer: asyncio.StreamWriter) -> bool:
        url = urlsplit(target)
        self._note(url.path)
        own = ("proxy-", "connection:")
        self.headers += [line for line in headers if not line.lower().startswith(own)]
        answers = {
            "ban": (403, "", b"go away"),
            "challenge": (302, "Location: http://captcha.example/solve\r\n", b""),
            "page": (200, "Content-Type: text/html\r\n", CHALLENGE),
            "packed": (200, "Content-Type: text/html\r\nContent-Encoding: gzip\r\n", gzip.compress(CHALLENGE)),
            "html": (200, "Content-Type: text/html\r\n", b"<html><body>sign in</body></html>"),
            "forbid": (403, "", b"not from here"),
            "lost": (502, "", b"no such host"),
        }
        if await self._moody(writer):
            return False
        if self.mood in answers:
            status, more, body = answers[self.mood]
            writer.write(f"HTTP/1.1 {status} X\r\n{more}Content-Length: {len(body)}\r\n\r\n".encode() + body)
            return True
        kept = [line for line in headers if not line.lower().startswith(own)]
        path = url.path + (f"?{url.query}" if url.query else "")
        head = "\r\n".join([f"GET {path} HTTP/1.1", *kept, "Connection: close"])
        upstream, up = await asyncio.open_connection(url.hostname, url.port)
        up.write(f"{head}\r\n\r\n".encode("latin-1"))
        try:
            status, _, rest = (await upstream.read()).partition(b"\r\n")
        finally:
            await _abort(up)
        writer.write(status + b"\r\nConnection: close\r\n" + rest)
        await writer.drain()
        writer.close()
        await writer.wait_closed()
        return False

    async def _connect(self, target: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._note(target)
        if await self._moody(writer):
            return
        if self.mood in {"forbid", "lost"}:
            status = 403 if self.mood == "forbid" else 502
            writer.write(f"HTTP/1.1 {status} X\r\nContent-Length: 0\r\n\r\n".encode())
            await writer.drain()
            return
        host, _, port = target.rpartition(":")
        upstream = await asyncio.open_connection(host, int(port))
        writer.write(b"HTTP/1.1 200 Connected\r\n\r\n")
        await self._pump(reader, writer, *upstream)

    async def _socks(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """RFC 1928, and 1929 for credentials."""
        methods = await reader.readexactly((await reader.readexactly(1))[0])
        wanted = 2 if self.credentials else 0
        if wanted not in methods:
            self.refused += 1
            writer.write(b"\x05\xff")
            await writer.drain()
            return
        writer.write(bytes([5, wanted]))
        if self.credentials:
            await reader.readexactly(1)
            user = await reader.readexactly((await reader.readexactly(1))[0])
            password = await reader.readexactly((await reader.readexactly(1))[0])
            right = (user.decode(), password.decode()) == self.credentials
            self.refused += not right
            writer.write(b"\x01\x00" if right else b"\x01\x01")
            await writer.drain()
            if not right:
                return
        _, _, _, kind = await reader.readexactly(4)
        if kind == 1:
            host = ".".join(str(byte) for byte in await reader.readexactly(4))
        else:
            host = (await reader.readexactly((await reader.readexactly(1))[0])).decode()
        port = int.from_bytes(await reader.readexactly(2))
        self._note(f"{host}:{port}")
        if await self._moody(writer):
            return
        reply = {"forbid": 2, "lost": 4}.get(self.mood, 0)
        upstream = None if reply else await asyncio.open_connection(host, port)
        writer.write(bytes([5, reply, 0, 1, 0, 0, 0, 0, 0, 0]))
        await writer.drain()
        if upstream:
            await self._pump(reader, writer, *upstream)

    async def _pump(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        upstream: asyncio.StreamReader,
        up: asyncio.StreamWriter,
    ) -> None:
        async def copy(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
            while data := await source.read(CHUNK):
                sink.write(data)
                await sink.drain()

        ways: list[Awaitable[None]] = [copy(reader, up), copy(upstream, writer)]
        tasks = [asyncio.ensure_future(way) for way in ways]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await _abort(up)


async def _abort(writer: asyncio.StreamWriter) -> None:
    """Close at once, and wait until the socket is."""
    writer.transport.abort()
    with contextlib.suppress(OSError):
        await writer.wait_closed()
