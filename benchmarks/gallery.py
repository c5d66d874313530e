"""A gallery of any number of different JPEGs, served from memory by a process of its own.

Each image is one of the demo's photographs at about half a megapixel, with a comment segment that makes its bytes
unique: what a decoder has to do stays that of a real photograph, and no disk is needed for thousands of them.
"""

from __future__ import annotations

import argparse
import asyncio
import io
import re
import subprocess
import sys
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Self

from aiohttp import web
from PIL import Image

SOURCES = Path(__file__).parent.parent / "demo/sources"
PER_PAGE = 100


class Gallery:
    """The gallery as a server on a free port of 127.0.0.1; `url` links to all pages."""

    def __init__(self, images: int, *, megapixels: float = 0.5) -> None:
        self.images = images
        self._command = [sys.executable, "-m", "benchmarks.gallery", str(images), str(megapixels)]

    def __enter__(self) -> Self:
        """Start the server and wait until it listens."""
        self._process = subprocess.Popen(self._command, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout
        self.url = self._process.stdout.readline().strip()
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        """Stop the server."""
        self._process.terminate()
        self._process.wait()

    def served(self) -> int:
        """Return how many images were asked for since the last reset."""
        with urllib.request.urlopen(f"{self.url}served") as answer:
            return int(answer.read())

    def reset(self) -> None:
        """Count from zero."""
        with urllib.request.urlopen(f"{self.url}reset"):
            pass


def photographs(megapixels: float) -> list[bytes]:
    """Return the demo's photographs as JPEGs of quality 85 and the given size."""
    return [_resized(path, megapixels) for path in sorted(SOURCES.glob("*.jpg"))]


def _resized(path: Path, megapixels: float) -> bytes:
    with Image.open(path) as image:
        scale = (megapixels * 1e6 / (image.width * image.height)) ** 0.5
        resized = image.convert("RGB").resize((round(image.width * scale), round(image.height * scale)))
    file = io.BytesIO()
    resized.save(file, "JPEG", quality=85)
    return file.getvalue()


def unique(jpeg: bytes, number: int) -> bytes:
    """Return the JPEG with the number in a comment segment (ITU T.81, B.2.4.5) behind its start."""
    comment = str(number).encode()
    return jpeg[:2] + b"\xff\xfe" + (len(comment) + 2).to_bytes(2, "big") + comment + jpeg[2:]


def application(images: int, megapixels: float) -> web.Application:
    """Make the site: an index, pages of PER_PAGE images, and the images."""
    jpegs = photographs(megapixels)
    served = 0

    async def index(_: web.Request) -> web.Response:
        links = "".join(f'<a href="/page/{number}">{number}</a>' for number in range(-(-images // PER_PAGE)))
        return web.Response(text=f"<html><body>{links}</body></html>", content_type="text/html")

    async def page(request: web.Request) -> web.Response:
        first = int(request.match_info["number"]) * PER_PAGE
        numbers = range(first, min(first + PER_PAGE, images))
        tags = "".join(f'<p><img src="/image/{number}.jpg" alt="Photograph {number}"></p>' for number in numbers)
        return web.Response(text=f"<html><body>{tags}</body></html>", content_type="text/html")

    async def image(request: web.Request) -> web.Response:
        nonlocal served
        served += 1
        number = int(request.match_info["number"])
        return web.Response(body=unique(jpegs[number % len(jpegs)], number), content_type="image/jpeg")

    async def count(request: web.Request) -> web.Response:
        nonlocal served
        if request.path == "/reset":
            served = 0
        return web.Response(text=str(served))

    site = web.Application()
    site.router.add_get("/", index)
    site.router.add_get("/page/{number}", page)
    site.router.add_get("/image/{number}.jpg", image)
    site.router.add_get("/{name:served|reset}", count)
    return site


async def serve(images: int, megapixels: float) -> None:
    """Serve until the process is ended; print the address first."""
    runner = web.AppRunner(application(images, megapixels), access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = re.findall(r"\d+", str(runner.addresses[0]))[-1]
    print(f"http://127.0.0.1:{port}/", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("images", type=int)
    parser.add_argument("megapixels", type=float)
    arguments = parser.parse_args()
    asyncio.run(serve(arguments.images, arguments.megapixels))
