"""The check of a store against the catalog, both ways: files that rows name, and files that no row names."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING

from image_spider.catalog.files import RecordedFile, recorded_files, unrecorded_paths
from image_spider.exceptions import DamagedFile
from image_spider.integrity.findings import Finding
from image_spider.parts import parts

if TYPE_CHECKING:
    from image_spider.catalog.catalog import Catalog
    from image_spider.stores.store import Store

BATCH_FILES = 500
SETTLE_SECONDS = 2.0  # between a file and its row, in a crawl whose catalog answers


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """A batch of files that was looked at: how many, what is wrong with some, and the last SHA-256 among them."""

    files: int
    findings: tuple[Finding, ...]
    after: str = ""


class Check:
    """Looks, and changes nothing. Crawls may go on meanwhile: what seems wrong is looked at again.

    By its size a file is known to be whole as far as crashes and full disks go; `full` reads every file and compares
    its SHA-256, which finds what a disk or somebody else has changed.
    """

    def __init__(self, *, catalog: Catalog, store: Store, full: bool) -> None:
        self._catalog = catalog
        self._store = store
        self._full = full

    def recorded(self, *, after: str = "") -> Iterator[Checked]:
        """Look at the file of every image that has a row, in the order of their SHA-256, from `after` on.

        Raises CatalogError, and StoreError when the store as a whole cannot be read.
        """
        with ThreadPoolExecutor(max_workers=self._store.threads, thread_name_prefix="check") as threads:
            while batch := self._catalog.read(partial(recorded_files, after=after, limit=BATCH_FILES)):
                after = batch[-1].sha256
                findings = tuple(finding for finding in threads.map(self.look, batch) if finding)
                yield Checked(files=len(batch), findings=findings, after=after)

    def look(self, file: RecordedFile) -> Finding | None:
        """Return what is wrong with one file."""
        wrong = partial(Finding, path=file.path, sha256=file.sha256, bytes=file.bytes)
        size = self._store.size(file.path)
        if size is None:
            return wrong(kind="missing", detail="missing")
        if self._full or size != file.bytes:  # of several volumes another one may have it whole
            try:
                self._store.read(file.path, size=file.bytes, sha256=file.sha256)
            except DamagedFile as error:
                text = str(error)
                return wrong(kind="damaged", detail=text.partition(f"{file.path}: ")[2] or text)
        return None

    def unrecorded(self) -> Iterator[Checked]:
        """Look for the row of every file of the store.

        The file of a row appears before the row does: a file without one is looked up again at the end. While the
        catalog was away for a worker, it may be an image that is about to be recorded all the same.
        """
        files = self._store.files()
        suspects: list[Finding] = []
        while batch := {file.path: file.size for file in islice(files, BATCH_FILES)}:
            paths = self._catalog.read(partial(unrecorded_paths, paths=batch))
            suspects += (
                Finding(kind="extra", path=path, sha256="", bytes=batch[path], detail="no image of the catalog")
                for path in sorted(paths)
            )
            yield Checked(files=len(batch), findings=())
        time.sleep(SETTLE_SECONDS if suspects else 0)
        for part in parts(suspects, BATCH_FILES):
            still = self._catalog.read(partial(unrecorded_paths, paths=[finding.path for finding in part]))
            there = tuple(finding for finding in part if finding.path in still and self._is_there(finding.path))
            yield Checked(files=0, findings=there)

    def _is_there(self, path: str) -> bool:
        return self._store.size(path) is not None  # a crawl with DUPLICATES=drop deletes files of its own
