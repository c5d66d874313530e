"""Records gathered into batches, each written by one call in a thread."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Generic, TypeVar

T = TypeVar("T")


class BatchWriter(Generic[T]):
    """Hand records to `write` in batches, at most max_records or max_seconds old, one batch at a time.

    Its buffer is as long as the number of callers that wait in add(); Scrapy bounds those.
    """

    def __init__(
        self, write: Callable[[Sequence[T]], None], *, max_records: int = 200, max_seconds: float = 0.2
    ) -> None:
        self._write = write
        self._max_records = max_records
        self._max_seconds = max_seconds
        self._waiting: list[tuple[T, asyncio.Future[None]]] = []
        self._full = asyncio.Event()
        self._drain: asyncio.Task[None] | None = None
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="catalog")

    async def add(self, record: T) -> None:
        """Return when the record's batch is committed; raise what `write` raised."""
        committed = asyncio.get_running_loop().create_future()
        self._waiting.append((record, committed))
        if len(self._waiting) >= self._max_records:
            self._full.set()
        if self._drain is None or self._drain.done():
            self._drain = asyncio.create_task(self._drain_batches())
        await committed

    def close(self) -> None:
        """Let the thread end; nobody may wait in add() any more."""
        self._thread.shutdown()

    async def _drain_batches(self) -> None:
        loop = asyncio.get_running_loop()
        while self._waiting:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._full.wait(), self._max_seconds)
            batch, self._waiting = self._waiting[: self._max_records], self._waiting[self._max_records :]
            if len(self._waiting) < self._max_records:
                self._full.clear()
            try:
                await loop.run_in_executor(self._thread, self._write, [record for record, _ in batch])
            except Exception as error:  # noqa: BLE001 - whatever it is, each waiting caller must hear of it
                _settle(batch, error)
            else:
                _settle(batch, None)


def _settle(batch: Sequence[tuple[object, asyncio.Future[None]]], error: Exception | None) -> None:
    for _, committed in batch:
        if committed.done():  # its caller was cancelled
            continue
        if error:
            committed.set_exception(error)
        else:
            committed.set_result(None)
