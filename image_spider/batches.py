"""Records gathered into batches, each worked off by one call in a thread."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Generic, NamedTuple, TypeVar

T = TypeVar("T")
R = TypeVar("R")


class _Waiting(NamedTuple, Generic[T, R]):
    record: T
    result: asyncio.Future[R]
    due: float  # time of the event loop


class Batches(Generic[T, R]):
    """Hand records to `work` in batches, at most max_records or max_seconds old, one batch at a time.

    work returns one result for each record, in their order. The buffer is as long as the number of callers that wait
    in add(); Scrapy bounds those.
    """

    def __init__(
        self,
        work: Callable[[Sequence[T]], Sequence[R]],
        *,
        max_records: int,
        max_seconds: float,
        thread_name: str = "batches",
    ) -> None:
        self._work = work
        self._max_records = max_records
        self._max_seconds = max_seconds
        self._waiting: list[_Waiting[T, R]] = []
        self._full = asyncio.Event()
        self._drain: asyncio.Task[None] | None = None
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix=thread_name)

    async def add(self, record: T) -> R:
        """Return the result of the record when its batch is done; raise what `work` raised."""
        loop = asyncio.get_running_loop()
        waiting = _Waiting[T, R](record, loop.create_future(), loop.time() + self._max_seconds)
        self._waiting.append(waiting)
        if len(self._waiting) >= self._max_records:
            self._full.set()
        if self._drain is None or self._drain.done():
            self._drain = asyncio.create_task(self._drain_batches())
        return await waiting.result

    def close(self) -> None:
        """Let the thread end; nobody may wait in add() any more."""
        self._thread.shutdown()

    async def _drain_batches(self) -> None:
        loop = asyncio.get_running_loop()
        while self._waiting:
            with suppress(TimeoutError):  # what came while the last batch was worked off has waited already
                await asyncio.wait_for(self._full.wait(), max(0.0, self._waiting[0].due - loop.time()))
            batch, self._waiting = self._waiting[: self._max_records], self._waiting[self._max_records :]
            if len(self._waiting) < self._max_records:
                self._full.clear()
            try:
                results = await loop.run_in_executor(self._thread, self._work, [waiting.record for waiting in batch])
                _settle(batch, results)
            except Exception as error:  # noqa: BLE001 - whatever it is, each waiting caller must hear of it
                _fail(batch, error)


def _settle(batch: Sequence[_Waiting[T, R]], results: Sequence[R]) -> None:
    for waiting, result in zip(batch, results, strict=True):
        if not waiting.result.done():  # else its caller was cancelled
            waiting.result.set_result(result)


def _fail(batch: Sequence[_Waiting[T, R]], error: Exception) -> None:
    for waiting in batch:
        if not waiting.result.done():
            waiting.result.set_exception(error)
