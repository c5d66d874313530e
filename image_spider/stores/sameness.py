"""Whether two stores share a folder or bucket under different names: what is moved from one to itself would be lost."""

from __future__ import annotations

from secrets import token_hex

from image_spider.stores.store import Store
from image_spider.stores.volumes import VolumeStore


def share_a_place(one: Store, other: Store) -> bool:
    """Tell whether a file that is written into any volume of one is seen in the other, whatever their names are.

    A link, a relative path, a disk that is mounted twice or an endpoint that is set elsewhere gives one place several
    names, so names are not compared: a file is written and deleted again. Raises StoreError.
    """
    return any(_is_seen(part, other) for part in parts_of(one))


def parts_of(store: Store) -> list[Store]:
    """Return the volumes of a store, or itself when it is of one piece."""
    return store.parts if isinstance(store, VolumeStore) else [store]


def _is_seen(part: Store, other: Store) -> bool:
    path = f".same-{token_hex(16)}"
    part.open()
    try:
        part.write(path, b"x", durable=False)
        return other.size(path) is not None
    finally:
        part.remove(path)
