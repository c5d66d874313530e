"""Processes that decode images: a file that crashes, hangs or swells a decoder costs itself and nothing else."""

from __future__ import annotations

import asyncio
import multiprocessing
import resource
import signal
from functools import partial

from pebble import ProcessExpired, ProcessPool

from image_spider.config import Config
from image_spider.imaging.describe import Description, describe
from image_spider.imaging.integrity import CORRUPT


class Decoders:
    """A pool of processes that describe images (docs/decisions/0008-decoding-processes.md)."""

    def __init__(self, settings: Config) -> None:
        # A fork server has no reactor, no threads and no connections that its children could inherit.
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(["image_spider.imaging.describe"])
        memory = (settings.IMAGES_MEMORY_BYTES,)
        self._pool = ProcessPool(settings.IMAGES_PROCESSES, initializer=_prepare, initargs=memory, context=context)
        self._deadline_seconds = settings.IMAGES_DEADLINE_SECONDS
        self._describe = partial(describe, max_pixels=settings.IMAGES_MAX_PIXELS)

    async def describe(self, data: bytes, content_type: str, *, label_side: int | None = None) -> Description:
        """Describe the bytes in another process; see `imaging.describe`."""
        options = {"content_type": content_type, "label_side": label_side}
        future = self._pool.schedule(self._describe, args=[data], kwargs=options, timeout=self._deadline_seconds)
        try:
            return await asyncio.wrap_future(future)
        except TimeoutError:
            detail = f"it was not decoded within {self._deadline_seconds:g} s"
        except ProcessExpired as error:
            detail = f"its decoder crashed with exit code {error.exitcode}"
        return Description("", "", CORRUPT, detail)

    def close(self) -> None:
        """End the processes; nobody may wait in describe() any more."""
        self._pool.stop()  # type: ignore[no-untyped-call]
        self._pool.join()


def _prepare(memory_bytes: int) -> None:
    """Prepare a new process: bound its memory, and leave Ctrl-C to the worker, which still needs its results."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
