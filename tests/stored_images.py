"""Images that are stored and recorded without a crawl."""

from __future__ import annotations

import hashlib
from pathlib import Path

from image_spider.catalog.catalog import Catalog
from image_spider.catalog.writes import write_items
from image_spider.stores.local import LocalStore
from image_spider.stores.paths import image_path
from tests.samples import an_image, an_item


def store_file(store: LocalStore, number: int) -> tuple[str, bytes]:
    """Store a file that nothing records; return its path and its bytes."""
    data = f"image {number}".encode() * 50
    path = image_path(hashlib.sha256(data).hexdigest(), ".jpg")
    store.write(path, data)
    return path, data


def store_images(catalog: Catalog, store: LocalStore, number: int) -> dict[str, bytes]:
    """Store and record so many images; return their bytes by path, in the order of their SHA-256.

    Each has a URL and a page of its own, named after the first eight digits of its SHA-256.
    """
    files = dict(store_file(store, one) for one in range(number))
    items = [
        an_item(
            f"https://example.com/{Path(path).stem[:8]}.jpg",
            page=f"https://example.com/{Path(path).stem[:8]}.html",
            image=an_image(sha256=Path(path).stem, path=path, bytes=len(data)),
        )
        for path, data in files.items()
    ]
    catalog.transaction(lambda connection: write_items(connection, items, duplicates="keep"))
    return dict(sorted(files.items()))


def files_of(store: LocalStore) -> dict[str, bytes]:
    """Return the bytes of every image file of a store by path."""
    return {file.path: store.fetch(file.path) for file in store.files()}
