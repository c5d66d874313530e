"""What web_server.py runs where there is no nginx: `python -m benchmarks.file_server FOLDER PORT LOG ADDRESS ...`."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from io import TextIOBase
from pathlib import Path

from aiohttp import web


def application(folder: Path, log: TextIOBase) -> web.Application:
    """Make the site of a folder; each request is a line of the log, as web_server.py has nginx write it."""

    @web.middleware
    async def note(
        request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        started = time.time()
        response = await handler(request)
        log.write(f"{time.time():.3f} {time.time() - started:.3f} {request.path}\n")
        return response

    site = web.Application(middlewares=[note])
    site.router.add_static("/", folder)
    return site


async def serve(folder: Path, port: int, log: Path, addresses: Sequence[str]) -> None:
    """Serve until the process is ended."""
    with log.open("a", encoding="utf-8", buffering=1) as lines:
        runner = web.AppRunner(application(folder, lines), access_log=None)
        await runner.setup()
        for address in addresses:
            await web.TCPSite(runner, address, port).start()
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]), sys.argv[4:]))
