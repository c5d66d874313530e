"""What keeps a backup from waiting for ever for a server that is frozen."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from image_spider.catalog.pool.address import Address
from image_spider.catalog.pool.probe import probe

SILENT_SECONDS = 30.0
PROBES = 6  # in that time


@contextmanager
def guarded(
    address: Address, parameters: Mapping[str, str], *, end: Callable[[], object], silent_seconds: float
) -> Iterator[threading.Event]:
    """Call end, from another thread, when the server has answered no new connection for so long; tell so by the event.

    How long an honest statement of a backup takes depends on the catalog, so that no deadline of its own suits it.
    Weakness: a single frozen backend of a server that answers others is waited for.
    """
    over, silent = threading.Event(), threading.Event()

    def watch() -> None:
        heard = time.monotonic()
        while not over.wait(silent_seconds / PROBES):
            if probe(address, parameters).state != "unreachable":
                heard = time.monotonic()
            elif time.monotonic() - heard > silent_seconds and not over.is_set():
                silent.set()
                end()
                return

    threading.Thread(target=watch, name=f"guard {address}", daemon=True).start()
    try:
        yield silent
    finally:
        over.set()
