"""Copies from the store to one mirror: claimed, read and checked, written, and taken off the queue."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

from image_spider.catalog.copies import Copy, claim_copies, finish_copies, postpone_copy, release_copies
from image_spider.exceptions import DamagedFile, StoreError, UnreadableFile
from image_spider.mirrors.opening import open_mirror, refuse_the_store_itself
from image_spider.mirrors.pauses import file_pause

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from image_spider.catalog.catalog import Catalog
    from image_spider.stores.store import Store

BATCH_COPIES = 64  # of a claim
CLAIM_SECONDS = 300.0  # after which the worker counts as dead, and others copy what it claimed
ERROR_CHARACTERS = 500  # of an error that are kept


@dataclass(frozen=True, slots=True, kw_only=True)
class Copied:
    """What became of a batch: files and bytes that are safe now, and a line for each file that the store itself lacks.

    claimed is the number of copies in the batch; away says why the mirror, or the catalog, cannot be used now.
    """

    claimed: int = 0
    files: int = 0
    bytes: int = 0
    damaged: tuple[str, ...] = ()
    away: str = ""


def now() -> datetime:
    """Return the time."""
    return datetime.now(UTC)


def _never() -> bool:
    return False


class Copying:
    """Copies what is due, batch by batch. Everything blocks; several workers and threads may copy to one mirror."""

    def __init__(
        self,
        *,
        catalog: Catalog,
        store: Store,
        mirror: Store,
        clock: Callable[[], datetime] = now,
    ) -> None:
        self.mirror = mirror
        self._catalog = catalog
        self._store = store
        self._threads = ThreadPoolExecutor(max_workers=mirror.threads, thread_name_prefix="mirrors")
        self._clock = clock
        self._lock = threading.Lock()
        self._opened = False

    def close(self) -> None:
        """Let the threads end."""
        self._threads.shutdown()

    def step(self, *, limit: int = BATCH_COPIES, halted: Callable[[], bool] = _never) -> Copied:
        """Copy the next batch; when halted tells so, what has not begun is given back.

        Files are read whole and their SHA-256 compared: a damaged file is never copied. A kill at any point leaves a
        claim that ends by itself. When the mirror fails, no more of the batch is begun. Raises CatalogError.
        """
        begun = self._clock()
        until = begun + timedelta(seconds=CLAIM_SECONDS)
        claim = partial(claim_copies, mirror=self.mirror.name, now=begun, until=until, limit=limit)
        batch = self._catalog.transaction(claim)
        if not batch:
            return Copied()
        failed = threading.Event()

        def copy(one: Copy) -> StoreError | bool:
            if failed.is_set() or halted():
                return False
            error = self._copy(one)
            if error and not isinstance(error, DamagedFile):
                failed.set()
            return error or True

        outcomes = self._kept(list(zip(batch, self._threads.map(copy, batch), strict=True)))
        self._catalog.transaction(partial(self._settle, outcomes=outcomes))
        return _told(outcomes)

    def _kept(self, outcomes: list[tuple[Copy, StoreError | bool]]) -> list[tuple[Copy, StoreError | bool]]:
        """Make what was copied survive a loss of power before it leaves the queue."""
        try:
            if paths := [copy.path for copy, outcome in outcomes if outcome is True]:
                self.mirror.keep_names(paths)
        except StoreError as error:
            return [(copy, error if outcome is True else outcome) for copy, outcome in outcomes]
        return outcomes

    def _copy(self, copy: Copy) -> StoreError | None:
        """Copy one file; return what hinders it: DamagedFile when that is the file itself."""
        try:
            self._open()
            data = self._store.read(copy.path, size=copy.bytes, sha256=copy.sha256)
            if not self.mirror.write(copy.path, data) and not self._is_there(copy):
                self.mirror.remove(copy.path)
                self.mirror.write(copy.path, data)
        except StoreError as error:
            return error
        return None

    def _is_there(self, copy: Copy) -> bool:
        """Tell whether the mirror's own file, which has the right size, has the right bytes. Raises StoreError."""
        try:
            self.mirror.read(copy.path, size=copy.bytes, sha256=copy.sha256)
        except UnreadableFile as error:  # of the mirror, so the store's file is not to be called damaged
            raise StoreError(str(error)) from error
        except DamagedFile:
            return False
        return True

    def _open(self) -> None:
        """Open the mirror before the first copy; while it is away, each attempt tries that again."""
        with self._lock:
            if not self._opened:
                open_mirror(self.mirror)
                refuse_the_store_itself(self.mirror, self._store)
                self._opened = True

    def _settle(self, connection: Connection, outcomes: Iterable[tuple[Copy, StoreError | bool]]) -> None:
        settled, mirror = self._clock(), self.mirror.name
        begun = {copy.sha256: outcome for copy, outcome in outcomes if outcome}
        finish_copies(connection, [sha256 for sha256, outcome in begun.items() if outcome is True], mirror=mirror)
        left = [copy.sha256 for copy, _ in outcomes if copy.sha256 not in begun]
        release_copies(connection, left, mirror=mirror, due_at=settled)
        for copy, error in outcomes:
            if isinstance(error, StoreError):
                due_at = settled + timedelta(seconds=file_pause(copy.attempts))
                text = str(error)[:ERROR_CHARACTERS]
                postpone_copy(connection, copy.sha256, mirror=mirror, due_at=due_at, error=text)


def _told(outcomes: Iterable[tuple[Copy, StoreError | bool]]) -> Copied:
    outcomes = list(outcomes)
    safe = [copy for copy, outcome in outcomes if outcome is True]
    errors = [outcome for _, outcome in outcomes if isinstance(outcome, StoreError)]
    return Copied(
        claimed=len(outcomes),
        files=len(safe),
        bytes=sum(copy.bytes for copy in safe),
        damaged=tuple(str(error) for error in errors if isinstance(error, DamagedFile)),
        away=next((str(error) for error in errors if not isinstance(error, DamagedFile)), ""),
    )
