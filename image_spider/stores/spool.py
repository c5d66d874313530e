"""Ledgers that wait on this machine until an object store has them."""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from image_spider.exceptions import StoreError
from image_spider.stores.ledger import FOLDER, Ledger, LedgerFile, ledgers
from image_spider.stores.processes import is_alive

ROTATED_BYTES = 4 * 2**20  # some 5,000 sightings
ROTATED_SECONDS = 60.0  # what a worker whose machine is lost has in no ledger; the catalog has it

logger = logging.getLogger(__name__)


class LedgerSpool:
    """A folder of ledgers being written, and the thread that uploads the complete ones and deletes them here.

    upload stores bytes under a path, durably, or raises StoreError; a ledger that could not be uploaded stays, and goes
    with the next one, or when any process of this machine opens the store.
    """

    def __init__(self, root: Path, *, upload: Callable[[str, bytes], object]) -> None:
        self._root = root
        self._upload = upload
        self._threads: ThreadPoolExecutor | None = None
        self._mine: set[str] = set()
        self._failing = False

    def begin(self) -> Ledger:
        """Return a ledger whose complete files are uploaded."""
        return Ledger(
            self._root, rotated_bytes=ROTATED_BYTES, rotated_seconds=ROTATED_SECONDS, completed=self._completed
        )

    def waiting(self) -> list[LedgerFile]:
        """Return the ledgers that are here."""
        return ledgers(self._root)

    def send_abandoned(self) -> None:
        """Upload what processes of this machine left that have ended; raise nothing, since the next one may do it."""
        for file in sorted((self._root / FOLDER).glob("*")):
            if file.name in self._mine or _is_abandoned(file.name):
                self._send(file)

    def close(self) -> None:
        """Wait until everything that is complete is uploaded, or could not be."""
        if self._threads:
            self._threads.shutdown()
            self._threads = None

    def _completed(self, file: Path) -> None:
        self._mine.add(file.name)
        self._threads = self._threads or ThreadPoolExecutor(max_workers=1, thread_name_prefix="ledgers")
        self._threads.submit(self.send_abandoned)

    def _send(self, file: Path) -> None:
        try:
            data = file.read_bytes()
            self._upload(f"{FOLDER}/{file.name}", data)
            file.unlink(missing_ok=True)
            self._failing = False
        except FileNotFoundError:  # another process has sent it
            return
        except (StoreError, OSError) as error:
            if not self._failing:
                logger.warning("A ledger waits in %s until it can be uploaded: %s", self._root / FOLDER, error)
            self._failing = True


def _is_abandoned(name: str) -> bool:
    """Tell whether the process of this machine that wrote a ledger has ended; names are <time>-<host>-<pid>-<n>."""
    start, _, _ = name.rpartition("-")
    start, _, pid = start.rpartition("-")
    host = start.partition("-")[2]
    return host == socket.gethostname() and pid.isdigit() and int(pid) != os.getpid() and not is_alive(int(pid))
