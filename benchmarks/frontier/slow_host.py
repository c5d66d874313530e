"""A host whose every answer takes long: `python -m benchmarks.frontier.slow_host ADDRESS PORT SECONDS`."""

from __future__ import annotations

import asyncio
import sys

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 0\r\n\r\n"


async def serve(address: str, port: int, seconds: float) -> None:
    """Answer empty pages until the process is ended; requests wait side by side."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.readline():
            while (await reader.readline()).strip():
                pass
            await asyncio.sleep(seconds)
            writer.write(ANSWER)
        writer.close()

    server = await asyncio.start_server(answer, address, port)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1], int(sys.argv[2]), float(sys.argv[3])))
