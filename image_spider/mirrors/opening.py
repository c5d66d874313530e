"""The mirrors of the settings, and how they are opened."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from image_spider.exceptions import StoreError, UsageError
from image_spider.stores.local import LocalStore
from image_spider.stores.opening import images_store, store_at
from image_spider.stores.sameness import parts_of, share_a_place

if TYPE_CHECKING:
    from image_spider.config import Config
    from image_spider.stores.store import Store

RETRY_SECONDS = 5.0  # of an object store: the queue tries again, and a crawl that ends does not wait for a mirror


def make_mirrors(settings: Config) -> list[Store]:
    """Return the stores of IMAGES_MIRRORS, in their order; raises UsageError for one that is the store itself.

    Their names, by which their queues go, do not depend on the folder that a process works in. Folders are compared as
    paths, volume by volume, and none is looked at: a mirror may be away. What is the same by a link is found when the
    first file is copied.
    """
    patience = min(RETRY_SECONDS, settings.IMAGES_STORE_RETRY_SECONDS)
    taken = _places(images_store(settings))
    mirrors = []
    for url in settings.IMAGES_MIRRORS.split():
        mirror = store_at(url, settings, retry_seconds=patience, absolute=True)
        if not taken.isdisjoint(_places(mirror)):
            raise UsageError("IMAGES_MIRRORS", url, "stores that are different, and none is IMAGES_STORE")
        taken |= _places(mirror)
        mirrors.append(mirror)
    return mirrors


def _places(store: Store) -> set[str]:
    """Return the volumes of a store: folders as absolute paths, buckets by their names."""
    return {
        os.path.abspath(part.root) if isinstance(part, LocalStore) else part.name  # noqa: PTH100 - looks at no disk
        for part in parts_of(store)
    }


def open_mirror(mirror: Store) -> None:
    """Prove that a mirror can be written; raise StoreError.

    Nothing is made: where its disk should be mounted, another one would be filled.
    """
    if not mirror.exists():
        raise StoreError(f"there is no {mirror.name} for the mirror: is its disk mounted? If it is new, make it first")
    mirror.open()


def refuse_the_store_itself(mirror: Store, store: Store) -> None:
    """Raise StoreError when a folder of an open mirror is one of the store, by a link or a second mount.

    Buckets are compared by their names alone: one that keeps copies may grant no deletion, which the look needs.
    """
    folders = (part for part in parts_of(mirror) if isinstance(part, LocalStore))
    if any(share_a_place(folder, store) for folder in folders):
        raise StoreError(f"the mirror {mirror.name} is IMAGES_STORE, or a volume of it: name another one")
