"""Threads that write items as a crawl does, and remember what was acknowledged."""

from __future__ import annotations

import threading
import time
import uuid
from contextlib import ExitStack, closing
from itertools import pairwise
from types import TracebackType
from typing import Any, Self

import psycopg2

from image_spider.catalog.catalog import Catalog
from image_spider.catalog.writes import write_items
from image_spider.exceptions import CatalogError
from image_spider.items import ImageItem
from tests.postgres import PostgresServer
from tests.samples import an_image, an_item, understood
from tests.waiting import wait_until

BATCH = 5
THREADS = 3


class Writers:
    """Each thread writes batches of its own images, one after the other, until it is told to stop."""

    def __init__(self, url: str, **options: Any) -> None:
        self.catalog = Catalog(url, **({"retry_seconds": 120.0} | options))
        self.acknowledged: list[tuple[float, str]] = []  # when, and the URL of the image
        self.errors: list[CatalogError] = []
        self._ending = threading.Event()
        self._threads = [threading.Thread(target=self._write) for _ in range(THREADS)]

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            stack.callback(self.catalog.close)
            self.catalog.upgrade()
            stack.pop_all()
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error:
            self.catalog.give_up(seconds=0)
        self.finish()
        self.catalog.close()

    def go_on(self, batches: int = 20) -> None:
        """Wait until so many more batches are acknowledged."""
        enough = len(self.acknowledged) + batches * BATCH
        wait_until(lambda: self.errors or len(self.acknowledged) >= enough, what="rows to be acknowledged")

    @property
    def silent_seconds(self) -> float:
        """How long nothing was acknowledged."""
        return time.monotonic() - self.acknowledged[-1][0]

    def finish(self) -> None:
        self._ending.set()
        for thread in self._threads:
            thread.join()

    def assert_kept(self, server: PostgresServer, what: str) -> None:
        """Finish, compare what was acknowledged with what a server holds, and print the outage."""
        self.finish()
        kept = urls(server)
        missing = {url for _, url in self.acknowledged} - set(kept)
        twice = len(kept) - len(set(kept))
        print(
            f"\n{what}: {len(self.acknowledged)} rows acknowledged, {len(missing)} lost, {twice} twice,"
            f" {len(self.errors)} batches dropped, longest time without an acknowledgement {self.outage():.2f} s"
        )
        assert not self.errors
        assert not missing
        assert not twice

    def outage(self) -> float:
        """Return the longest time between two acknowledgements, in seconds."""
        times = sorted(moment for moment, _ in self.acknowledged)
        return max(after - before for before, after in pairwise(times))

    def _write(self) -> None:
        while not self._ending.is_set():
            items = [_item() for _ in range(BATCH)]
            try:
                self.catalog.transaction(lambda connection, items=items: write_items(connection, items))  # type: ignore[misc]
            except CatalogError as error:
                self.errors.append(error)
                return
            now = time.monotonic()
            self.acknowledged += [(now, item.candidate.url) for item in items]


def urls(server: PostgresServer) -> list[str]:
    """Return the URLs of the images that a server holds."""
    with closing(psycopg2.connect(server.url)) as connection, connection.cursor() as cursor:
        cursor.execute("select image_url from sightings join images on sha256 = image_sha256")
        return [url for (url,) in cursor.fetchall()]


def _item() -> ImageItem:
    name = uuid.uuid4().hex
    path = f"{name[:2]}/{name[2:4]}/{name}.jpg"
    image = an_image(
        sha256=name * 2, path=path, understanding=understood(None, pixels=name)
    )  # as they are searched for
    return an_item(f"https://example.com/{name}.jpg", image=image)
