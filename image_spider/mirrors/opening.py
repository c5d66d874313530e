"""The mirrors of the settings, made and not opened."""

from __future__ import annotations

from typing import TYPE_CHECKING

from image_spider.exceptions import StoreError, UsageError
from image_spider.stores.local import LocalStore

if TYPE_CHECKING:
    from image_spider.config import Config
    from image_spider.stores.store import Store


class FolderMirror(LocalStore):
    """A mirror in a folder, which is never made: where its disk should be mounted, another one would be filled."""

    def open(self) -> None:
        """Prove that it is there and can be written."""
        if not self.root.is_dir():
            raise StoreError(f"there is no folder {self.root} for the mirror: is its disk mounted? Or make it first")
        super().open()


def make_store(settings: Config) -> Store:
    """Return the store of the images."""
    return LocalStore(settings.IMAGES_STORE)


def make_mirrors(settings: Config) -> list[Store]:
    """Return the stores of IMAGES_MIRRORS, in their order; raises UsageError for one that is the store itself."""
    mirrors: dict[str, Store] = {}
    for url in settings.IMAGES_MIRRORS.split():
        mirror = FolderMirror(url)
        if mirror.name in mirrors or mirror.name == make_store(settings).name:
            raise UsageError("IMAGES_MIRRORS", url, "stores that are different, and none is IMAGES_STORE")
        mirrors[mirror.name] = mirror
    return [*mirrors.values()]
