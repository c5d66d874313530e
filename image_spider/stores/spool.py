"""Ledgers that wait on this machine until an object store has them."""

from __future__ import annotations

import fcntl
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from image_spider.exceptions import StoreError
from image_spider.stores.ledger import FOLDER, SUFFIX, Ledger, LedgerFile, ledgers

ROTATED_BYTES = 4 * 2**20  # some 4,000 sightings
ROTATED_SECONDS = 60.0  # what a worker whose machine is lost has in no ledger; the catalog has it

logger = logging.getLogger(__name__)


class LedgerSpool:
    """A folder of ledgers being written, and the thread that uploads those that nobody writes and deletes them here.

    A ledger being written is locked by its process, and a kill takes the lock away. upload stores bytes under a path,
    durably, or raises StoreError; a ledger that could not be uploaded stays, and goes with the next one, or when a
    worker opens the store that has the same folder.
    """

    def __init__(self, root: Path, *, upload: Callable[[str, bytes], object]) -> None:
        self._root = root
        self._upload = upload
        self._threads: ThreadPoolExecutor | None = None
        self._failing = False

    def begin(self) -> Ledger:
        """Return a ledger whose complete files are uploaded."""
        return Ledger(
            self._root, rotated_bytes=ROTATED_BYTES, rotated_seconds=ROTATED_SECONDS, completed=self._completed
        )

    def waiting(self) -> list[LedgerFile]:
        """Return the ledgers that are here."""
        return ledgers(self._root)

    def send(self) -> None:
        """Upload the ledgers that nobody writes; raise nothing, since the next one may do it."""
        for file in sorted((self._root / FOLDER).glob(f"*{SUFFIX}")):
            try:
                self._send(file)
            except FileNotFoundError:  # another process has sent it
                continue
            except (StoreError, OSError) as error:
                if not self._failing:
                    logger.warning("A ledger waits in %s until it can be uploaded: %s", file.parent, error)
                self._failing = True
                return
        self._failing = False

    def close(self) -> None:
        """Wait until everything that is complete is uploaded, or could not be."""
        if self._threads:
            self._threads.shutdown()
            self._threads = None

    def _completed(self, file: Path) -> None:
        del file
        self._threads = self._threads or ThreadPoolExecutor(max_workers=1, thread_name_prefix="ledgers")
        self._threads.submit(self.send)

    def _send(self, file: Path) -> None:
        """Upload a ledger, unless a process is writing it or is about to: then it is locked or empty."""
        with file.open("rb") as stream:
            try:
                fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return
            if data := stream.read():
                self._upload(f"{FOLDER}/{file.name}", data)
                file.unlink(missing_ok=True)
