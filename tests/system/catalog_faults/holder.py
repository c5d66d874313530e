"""A process that takes the lock which all searches for duplicates take, and sits on it: `python -m ... URL`."""

from __future__ import annotations

import sys
import threading

from sqlalchemy import Connection

from image_spider.catalog.catalog import Catalog
from image_spider.catalog.duplicates import lock_search


def hold(connection: Connection) -> None:
    """Say when the lock is held, and hold it until the process ends."""
    lock_search(connection)
    print("held", flush=True)
    threading.Event().wait()


if __name__ == "__main__":
    with Catalog(sys.argv[1]) as catalog:
        catalog.transaction(hold)
