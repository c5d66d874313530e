"""A gallery of any number of different JPEGs, as files behind a web server (benchmarks/web_server.py).

Each image is one of the demo's photographs at the size asked for, with a comment segment that makes its bytes unique:
what a decoder has to do stays that of a real photograph, and nobody can take one for another. The files lie in memory
(/dev/shm) where there is room.
"""

from __future__ import annotations

import io
import shutil
import tempfile
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
from PIL import Image

from benchmarks.web_server import WebServer, find_nginx

SOURCES = Path(__file__).parent.parent / "demo/sources"
MEMORY = Path("/dev/shm")
PER_PAGE = 100
ENLARGED = 2.0  # times the width of the source, from which on an image lacks the detail of its size
GRAIN = 6.0  # standard deviation that gives a 12-megapixel JPEG the 2 to 3 MB of a camera's


class Gallery:
    """Images, pages of them, and a server."""

    def __init__(self, images: int, *, megapixels: float = 0.5, per_page: int = PER_PAGE) -> None:
        self.images = images
        self._megapixels = megapixels
        self._per_page = per_page
        self._pages = -(-images // per_page)
        self._open = ExitStack()

    def __enter__(self) -> Self:
        """Write the files and start the server."""
        jpegs = photographs(self._megapixels)
        needed = self.images * max(map(len, jpegs))
        memory = MEMORY if MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > 2 * needed else None
        self.folder = Path(self._open.enter_context(tempfile.TemporaryDirectory(prefix="gallery-", dir=memory)))
        (self.folder / "image").mkdir()
        for number in range(self.images):
            (self.folder / f"image/{number}.jpg").write_bytes(unique(jpegs[number % len(jpegs)], number))
        for page in range(self._pages):
            self._write_page(page)
        self.server = self._open.enter_context(WebServer(self.folder, nginx=find_nginx()))
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        """Stop the server and remove the files."""
        self._open.close()

    def starts(self, workers: int) -> list[str]:
        """Return a start URL for each worker: pages that together link to every page once."""
        return [self._start(worker, workers) for worker in range(workers)]

    def image_urls(self) -> list[str]:
        """Return the URL of every image."""
        return [f"{self.server.url}image/{number}.jpg" for number in range(self.images)]

    def requested(self) -> list[float]:
        """Return when each image was asked for, in seconds as time.time() counts them, the earliest first."""
        return self.server.requests("/image/")

    def _write_page(self, page: int) -> None:
        numbers = range(page * self._per_page, min((page + 1) * self._per_page, self.images))
        tags = "".join(f'<p><img src="/image/{number}.jpg" alt="Photograph {number}"></p>' for number in numbers)
        (self.folder / f"page-{page}.html").write_text(f"<html><body>{tags}</body></html>")

    def _start(self, worker: int, workers: int) -> str:
        pages = range(worker, self._pages, workers)
        links = "".join(f'<a href="/page-{page}.html">{page}</a>' for page in pages)
        name = f"start-{worker + 1}-of-{workers}.html"
        (self.folder / name).write_text(f"<html><body>{links}</body></html>")
        return self.server.url + name


def photographs(megapixels: float) -> list[bytes]:
    """Return the demo's photographs as JPEGs of quality 85 and the given size, grain added to enlarged ones."""
    return [_resized(path, megapixels) for path in sorted(SOURCES.glob("*.jpg"))]


def unique(jpeg: bytes, number: int) -> bytes:
    """Return the JPEG with the number in a comment segment (ITU T.81, B.2.4.5) behind its start."""
    comment = str(number).encode()
    return jpeg[:2] + b"\xff\xfe" + (len(comment) + 2).to_bytes(2, "big") + comment + jpeg[2:]


def _resized(path: Path, megapixels: float) -> bytes:
    with Image.open(path) as image:
        scale = (megapixels * 1e6 / (image.width * image.height)) ** 0.5
        resized = image.convert("RGB").resize((round(image.width * scale), round(image.height * scale)))
    if scale > ENLARGED:
        grain = np.random.default_rng(0).normal(0, GRAIN, (resized.height, resized.width, 1)).astype(np.float32)
        resized = Image.fromarray(np.clip(np.asarray(resized) + grain, 0, 255).astype(np.uint8))
    file = io.BytesIO()
    resized.save(file, "JPEG", quality=85)
    return file.getvalue()
