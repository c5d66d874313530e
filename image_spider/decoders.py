"""Processes that decode images: a file that crashes, hangs or swells a decoder costs itself and nothing else."""

from __future__ import annotations

import asyncio
import multiprocessing
import resource
import signal
from concurrent.futures import wait
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from time import monotonic

from pebble import ProcessExpired, ProcessPool

from image_spider.config import Config
from image_spider.exceptions import DecodersError
from image_spider.imaging.describe import Description, describe
from image_spider.imaging.integrity import BOMB, CORRUPT

REPEATS = 2  # of an image during which processes ended: somebody else may have killed them
NEW_POOLS = 3  # that may fail one after the other
LOOK_SECONDS = 1.0  # a pool that breaks does not tell everyone who waits for it
STALL_SECONDS = 10.0  # beyond the deadline, without any result: a process that was killed took a lock with it


class Decoders:
    """A pool of processes that describe images (docs/decisions/0008-decoding-processes.md).

    A pool is broken when a process ends while none is at work, killed for want of memory for example; it is replaced.
    An image during which processes end is repeated, one such image at a time, so that one that kills its process costs
    itself alone.
    """

    def __init__(self, settings: Config) -> None:
        # A fork server has no reactor, no threads and no connections that its children could inherit.
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(["image_spider.imaging.describe"])
        self.processes = settings.IMAGES_PROCESSES
        self._memory_bytes = settings.IMAGES_MEMORY_BYTES
        self._deadline_seconds = settings.IMAGES_DEADLINE_SECONDS
        self._describe = partial(describe, max_pixels=settings.IMAGES_MAX_PIXELS)
        self._pool = self._new_pool()
        self._progress = 0.0  # when the last result came
        self._error: DecodersError | None = None
        self._replacing = asyncio.Lock()
        self._repeating = asyncio.Lock()

    def start(self) -> None:
        """Start the processes: that blocks for some hundred milliseconds, so call it from a thread."""
        future = self._pool.schedule(_nothing)
        while self._pool.active and not wait([future], timeout=LOOK_SECONDS).done:
            pass  # describe() replaces a pool that broke

    async def describe(self, data: bytes, content_type: str, *, label_side: int | None = None) -> Description:
        """Describe the bytes in another process; see `imaging.describe`. Raises DecodersError."""
        work = partial(self._describe, data, content_type=content_type, label_side=label_side)
        try:
            try:
                return await self._attempt(work)
            except (BrokenProcessPool, ProcessExpired):
                return await self._repeat(work)
        except TimeoutError:
            return Description("", "", BOMB, f"it was not decoded within {self._deadline_seconds:g} s")
        except BrokenProcessPool:
            detail = "its decoder crashed"
        except ProcessExpired as error:
            detail = f"its decoder crashed with exit code {error.exitcode}"
        return Description("", "", CORRUPT, detail)

    def close(self) -> None:
        """End the processes; nobody may wait in describe() any more."""
        _end(self._pool)

    async def _repeat(self, work: partial[Description]) -> Description:
        async with self._repeating:
            for _ in range(REPEATS - 1):
                try:
                    return await self._attempt(work)
                except (BrokenProcessPool, ProcessExpired):
                    continue
            return await self._attempt(work)

    async def _attempt(self, work: partial[Description]) -> Description:
        """Do the work; when that breaks the pool, replace it before the BrokenProcessPool is raised."""
        pool = self._pool
        try:
            return await self._in_pool(pool, work)
        except BrokenProcessPool:
            await self._replace(pool)
            raise

    async def _replace(self, broken: ProcessPool) -> None:
        """Make a new pool, once for all who found this one broken, and prove that it works."""
        async with self._replacing:
            if self._error:
                raise self._error
            if self._pool is not broken:
                return
            for _ in range(NEW_POOLS):
                await asyncio.to_thread(_end, self._pool)
                self._pool = self._new_pool()
                try:
                    await self._in_pool(self._pool, partial(self._describe, b""))
                except (BrokenProcessPool, ProcessExpired, TimeoutError):
                    continue
                return
            self._error = DecodersError(
                f"{NEW_POOLS} times in a row the decoding processes ended as soon as they were started. See what kills "
                "them (memory?), or lower IMAGES_PROCESSES."
            )
            raise self._error

    async def _in_pool(self, pool: ProcessPool, work: partial[Description]) -> Description:
        """Do the work; raises BrokenProcessPool, ProcessExpired and TimeoutError."""
        try:
            future = pool.schedule(work, timeout=self._deadline_seconds)
        except RuntimeError as error:
            raise BrokenProcessPool(str(error)) from error
        result = asyncio.wrap_future(future)
        begun = monotonic()
        try:
            while not (await asyncio.wait({result}, timeout=LOOK_SECONDS))[0]:
                stalled = monotonic() - max(begun, self._progress) > self._deadline_seconds + STALL_SECONDS
                if stalled or not pool.active:
                    raise BrokenProcessPool("the pool has lost its work")
            description = result.result()
        except (BrokenProcessPool, ProcessExpired, TimeoutError):
            raise
        except Exception as error:
            if pool.active:
                raise
            raise BrokenProcessPool("the pool was ended while it sent the work") from error
        finally:
            result.cancel()
        self._progress = monotonic()
        return description

    def _new_pool(self) -> ProcessPool:
        memory = (self._memory_bytes,)
        return ProcessPool(self.processes, initializer=_prepare, initargs=memory, context=self._context)


def _end(pool: ProcessPool) -> None:
    pool.stop()  # type: ignore[no-untyped-call]
    pool.join()


def _prepare(memory_bytes: int) -> None:
    """Prepare a new process: bound its memory, and leave Ctrl-C to the worker, which still needs its results."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))


def _nothing() -> None:
    """Be the first task of a pool."""
