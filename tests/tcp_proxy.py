"""A TCP proxy that adds latency, cuts, stalls and drops replies; in this process, or `python -m tests.tcp_proxy`.

Each direction is read as fast as it comes and written when its time has come, so a delay costs latency and no
throughput. As a process of its own it is told what to do by lines on standard input: `delay 0.005`, `stall`, `resume`,
`cut`, `drop_replies`, `keep_replies`; it prints its port first and a line per command done.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import sys
from collections.abc import Awaitable, Callable

from tests.serving import LoopThread

CHUNK = 1 << 16


class TcpProxy:
    """Forwards 127.0.0.1:port to a target; lives on one event loop."""

    def __init__(self, *, target: int, delay_seconds: float = 0.0) -> None:
        self.target = target
        self.delay_seconds = delay_seconds  # each way: the round trip grows by twice as much
        self.port = 0
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._dropping = False
        self.dropped = 0  # replies, since they are swallowed
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    async def start(self, port: int = 0) -> None:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        if self._server:
            self._server.close()
        self.cut()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def stall(self) -> None:
        """Let nothing through in either direction, and keep the connections."""
        self._flowing.clear()

    def resume(self) -> None:
        self._flowing.set()

    def drop_replies(self, dropping: bool = True) -> None:
        """Swallow what the server says: commands are done, and nobody hears of it."""
        self._dropping = dropping
        self.dropped = 0

    def cut(self) -> None:
        """Close all connections; new ones are accepted."""
        for writer in self._writers:
            writer.transport.abort()
        self._writers.clear()

    def cut_unanswered(self) -> None:
        """Close all connections and swallow no more: a reply that is on its way is lost as well."""
        self.cut()
        self.drop_replies(False)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            target_reader, target_writer = await asyncio.open_connection("127.0.0.1", self.target)
        except OSError:
            writer.transport.abort()
            return
        self._writers |= {writer, target_writer}
        for source, sink, replies in ((reader, target_writer, False), (target_reader, writer, True)):
            queue: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()
            self._spawn(self._read(source, queue, replies=replies))
            self._spawn(self._write(queue, sink))

    def _spawn(self, work: Awaitable[None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _read(
        self, source: asyncio.StreamReader, queue: asyncio.Queue[tuple[float, bytes]], *, replies: bool
    ) -> None:
        clock = asyncio.get_running_loop().time
        data = b"-"
        while data:
            try:
                data = await source.read(CHUNK)
            except OSError:
                data = b""
            if data and replies and self._dropping:
                self.dropped += 1
            else:
                queue.put_nowait((clock() + self.delay_seconds, data))

    async def _write(self, queue: asyncio.Queue[tuple[float, bytes]], sink: asyncio.StreamWriter) -> None:
        clock = asyncio.get_running_loop().time
        while True:
            due, data = await queue.get()
            if (left := due - clock()) > 0:
                await asyncio.sleep(left)
            await self._flowing.wait()
            if not data:
                self._writers.discard(sink)
                sink.close()
                return
            sink.write(data)
            with contextlib.suppress(OSError):
                await sink.drain()


class ProxyThread:
    """A proxy on an event loop of its own, for callers whose loop is busy or absent."""

    def __init__(self, *, target: int, delay_seconds: float = 0.0) -> None:
        self._loop = LoopThread()
        self._proxy = self._loop.run(self._make(target, delay_seconds))
        self.port = self._proxy.port

    async def _make(self, target: int, delay_seconds: float) -> TcpProxy:
        proxy = TcpProxy(target=target, delay_seconds=delay_seconds)
        await proxy.start()
        return proxy

    def do(self, verb: Callable[[TcpProxy], object]) -> None:
        async def run() -> None:
            verb(self._proxy)

        self._loop.run(run())

    @property
    def dropped(self) -> int:
        return self._proxy.dropped

    def close(self) -> None:
        self._loop.run(self._proxy.stop())
        self._loop.close()


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--target", type=int, required=True, help="port of 127.0.0.1 to forward to")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--delay", type=float, default=0.0, help="seconds each way")
    options = parser.parse_args()
    proxy = TcpProxy(target=options.target, delay_seconds=options.delay)
    await proxy.start(options.port)
    print(proxy.port, flush=True)
    lines = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(lines), os.fdopen(sys.stdin.fileno(), "rb", closefd=False)
    )
    while line := (await lines.readline()).decode().split():
        verb, *arguments = line
        if verb == "delay":
            proxy.delay_seconds = float(arguments[0])
        elif verb == "keep_replies":
            proxy.drop_replies(False)
        else:
            {"stall": proxy.stall, "resume": proxy.resume, "cut": proxy.cut, "drop_replies": proxy.drop_replies}[verb]()
        print("done", *line, flush=True)
    await proxy.stop()


if __name__ == "__main__":
    asyncio.run(main())
