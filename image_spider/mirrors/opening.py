"""The mirrors of the settings, and how they are opened."""

from __future__ import annotations

from typing import TYPE_CHECKING

from image_spider.exceptions import StoreError, UsageError
from image_spider.stores.opening import images_store, store_at

if TYPE_CHECKING:
    from image_spider.config import Config
    from image_spider.stores.store import Store

RETRY_SECONDS = 5.0  # of an object store: the queue tries again, and a crawl that ends does not wait for a mirror


def make_mirrors(settings: Config) -> list[Store]:
    """Return the stores of IMAGES_MIRRORS, in their order; raises UsageError for one that is the store itself."""
    patience = min(RETRY_SECONDS, settings.IMAGES_STORE_RETRY_SECONDS)
    taken = {images_store(settings).name}
    mirrors = []
    for url in settings.IMAGES_MIRRORS.split():
        mirror = store_at(url, settings, retry_seconds=patience)
        if mirror.name in taken:
            raise UsageError("IMAGES_MIRRORS", url, "stores that are different, and none is IMAGES_STORE")
        taken.add(mirror.name)
        mirrors.append(mirror)
    return mirrors


def open_mirror(mirror: Store) -> None:
    """Prove that a mirror can be written; raise StoreError.

    Nothing is made: where its disk should be mounted, another one would be filled.
    """
    if not mirror.exists():
        raise StoreError(f"there is no {mirror.name} for the mirror: is its disk mounted? If it is new, make it first")
    mirror.open()
