"""Files made whole again, from a mirror; and damaged ones put out of the way of a download."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from image_spider.exceptions import DamagedFile, StoreError, UnreadableFile
from image_spider.integrity.findings import Finding

if TYPE_CHECKING:
    from image_spider.stores.store import Store

LARGEST_BYTES = 2**30  # far above DOWNLOAD_MAXSIZE; a damaged file is read whole


class Repair:
    """Repairs files of a store. Its methods block, and may be called from any thread."""

    def __init__(self, *, store: Store, mirrors: Sequence[Store], aside: Path) -> None:
        self._store = store
        self._mirrors = mirrors
        self._aside = aside  # a folder of this machine

    def copy_back(self, finding: Finding) -> Finding:
        """Copy a file back from the first mirror that has it whole: size and SHA-256 are compared first.

        Return the finding with the name of that mirror, or as it was when none of them has it. Raises StoreError when
        the store cannot be written, and when no mirror gave the file and one of them could not be asked.
        """
        away: StoreError | None = None
        for mirror in self._mirrors:
            try:
                data = mirror.read(finding.path, size=finding.bytes, sha256=finding.sha256)
            except DamagedFile:
                away = _gone(mirror) or away
                continue
            except StoreError as error:
                away = error
                continue
            if finding.kind == "damaged":
                self._store.remove(finding.path)  # a file of the right size would be taken for the right one
            self._store.write(finding.path, data)
            return replace(finding, repaired=f"copied back from {mirror.name}")
        if away:
            raise away
        return finding

    def set_aside(self, finding: Finding) -> Path | None:
        """Move a damaged file out of the store, whose place a download takes then; return where it is now.

        A file that is whole after all stays. Raises UnreadableFile for one that cannot be read, which stays as well,
        and StoreError.
        """
        if finding.kind != "damaged" or not is_damaged(self._store, finding):
            return None
        kept = self._aside / Path(finding.path).name
        if (self._store.size(finding.path) or 0) > LARGEST_BYTES:
            raise StoreError(f"{finding.path} of {self._store.name} is no image of ours: move it away by hand")
        try:
            data = self._store.fetch(finding.path)
        except UnreadableFile:  # since it was looked at
            raise
        except DamagedFile:  # an earlier attempt has moved it
            data = b""
        try:
            if data:
                kept.parent.mkdir(parents=True, exist_ok=True)
                kept.write_bytes(data)
            found = kept.exists()
        except OSError as error:
            raise StoreError(f"cannot keep the damaged file in {kept}: {error.strerror or error}") from error
        self._store.remove(finding.path)
        return kept if found else None


def is_damaged(store: Store, finding: Finding) -> bool:
    """Read a file once more before it is deleted: is no copy of it whole?

    Raises UnreadableFile when it cannot be read, for whatever reason: then nobody knows. Raises StoreError.
    """
    try:
        store.read(finding.path, size=finding.bytes, sha256=finding.sha256)
    except UnreadableFile:
        raise
    except DamagedFile:
        return True
    return False


def _gone(mirror: Store) -> StoreError | None:
    """Tell whether a mirror that seems to lack a file is not there at all, as a disk that is not mounted."""
    try:
        if mirror.exists():
            return None
    except StoreError as error:
        return error
    return StoreError(f"the mirror {mirror.name} is not there: mount its disk, or take it out of IMAGES_MIRRORS")
