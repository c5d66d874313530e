"""What mirrors cost, and how fast files are copied and checked: `python -m benchmarks.mirrors [--images] [--bytes]`.

Makes images of random bytes in a store with an SQLite catalog, both in a temporary folder, then times: batches of 200
as a crawl writes them, with and without a mirror; the copying to a folder; the check by size and by SHA-256.
"""

from __future__ import annotations

import argparse
import hashlib
import random
import tempfile
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from sqlalchemy import Connection

from image_spider.catalog import queries
from image_spider.catalog.catalog import Catalog
from image_spider.catalog.copies import queue_copies
from image_spider.catalog.writes import write_items
from image_spider.integrity.check import Check
from image_spider.items import ImageItem
from image_spider.mirrors.copying import Copying
from image_spider.parts import parts
from image_spider.stores.local import LocalStore
from image_spider.stores.paths import image_path
from tests.samples import an_image, an_item

BATCH = 200


def main() -> None:
    """Print a line for each of them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=4000)
    parser.add_argument("--bytes", type=int, default=85_000, help="of each image")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="image_spider-") as name:
        folder = Path(name)
        store, mirror = LocalStore(folder / "images"), LocalStore(folder / "mirror")
        store.open()
        mirror.open()
        items = [_stored(store, number, arguments.bytes) for number in range(arguments.images)]
        half = len(items) // 2
        with Catalog(f"sqlite:///{folder}/catalog.sqlite3") as catalog:
            catalog.open()
            _time("recorded without mirrors", half, partial(_record, catalog, items[:half], mirrors=[]))
            _time("recorded with one mirror", half, partial(_record, catalog, items[half:], mirrors=[mirror.name]))
            copying = Copying(catalog=catalog, store=store, mirror=mirror)
            _time("copied to a folder", half, partial(_copy, copying))
            copying.close()
            for full in (False, True):
                check = Check(catalog=catalog, store=store, full=full)
                _time(f"checked, rows to files{', full' if full else ''}", len(items), partial(_drain, check.recorded))
            _time("checked, files to rows", len(items), partial(_drain, check.unrecorded))


def _stored(store: LocalStore, number: int, size: int) -> ImageItem:
    data = random.Random(number).randbytes(size)
    sha256 = hashlib.sha256(data).hexdigest()
    image = an_image(sha256=sha256, path=image_path(sha256, ".jpg"), bytes=size)
    store.write(image.path, data, durable=False)
    return an_item(f"https://example.com/{sha256}", image=image)


def _record(catalog: Catalog, items: list[ImageItem], *, mirrors: list[str]) -> None:
    """Write items as the pipeline does."""

    def record(connection: Connection, batch: Iterable[ImageItem]) -> None:
        batch = list(batch)
        found = {item.image.sha256 for item in batch if item.image} if mirrors else set()
        new = found - {*queries.known_images(connection, found)}
        write_items(connection, batch)
        queue_copies(connection, new, mirrors=mirrors, now=datetime.now(UTC))

    for batch in parts(items, BATCH):
        catalog.transaction(partial(record, batch=batch))


def _copy(copying: Copying) -> None:
    while copying.step().claimed:
        pass


def _drain(batches: Callable[[], Iterable[object]]) -> None:
    for _ in batches():
        pass


def _time(what: str, number: int, work: Callable[[], object]) -> None:
    started = time.perf_counter()
    work()
    seconds = time.perf_counter() - started
    print(f"{what:32} {number:7,} images {seconds:7.2f} s {number / seconds:9,.0f}/s {1e6 * seconds / number:7.0f} us")


if __name__ == "__main__":
    main()
