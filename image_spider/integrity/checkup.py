"""A whole checkup of a store: look at every file, mend what can be mended, go on after an interruption."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

from image_spider.catalog.copies import queue_copies
from image_spider.catalog.files import RecordedFile, count_recorded, sources
from image_spider.exceptions import StoreError, UnreadableFile
from image_spider.integrity.check import BATCH_FILES, Checked
from image_spider.integrity.findings import Finding
from image_spider.parts import parts
from image_spider.stores.ledger import sha256s_told
from image_spider.stores.paths import sha256_of

if TYPE_CHECKING:
    from pathlib import Path

    from image_spider.catalog.catalog import Catalog
    from image_spider.integrity.check import Check
    from image_spider.integrity.journal import Journal
    from image_spider.integrity.repair import Repair
    from image_spider.stores.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What is to be done about what is found: copy back from mirrors, also into an empty store; delete extra files."""

    repair: bool = False
    empty: bool = False
    remove_extra: bool = False


class Checkup:
    """Looks and mends, batch by batch; each batch is told of when it is done. Everything blocks."""

    def __init__(
        self, *, catalog: Catalog, store: Store, check: Check, repair: Repair, journal: Journal, wishes: Wishes
    ) -> None:
        self._catalog = catalog
        self._store = store
        self._check = check
        self._repair = repair
        self._journal = journal
        self._wishes = wishes

    def recorded(self, *, after: str, again: Sequence[Finding]) -> Iterator[Checked]:
        """Look at the files of images above `after`, and first again at what an earlier run found.

        Raises StoreError and CatalogError; what was yielded by then stands in the journal.
        """
        if not self._store.exists() and not self._wishes.empty:
            raise self._lost()
        if self._wishes.repair:
            self._store.open()
        with ThreadPoolExecutor(max_workers=self._store.threads, thread_name_prefix="mending") as threads:
            yield Checked(files=0, findings=tuple(finding for finding in again if finding.repaired))
            for part in parts([finding for finding in again if not finding.repaired], BATCH_FILES):
                looked = [finding for finding in threads.map(self._check.look, map(_recorded, part)) if finding]
                yield Checked(files=0, findings=self._mended(looked, threads))
            first = not after
            for checked in self._check.recorded(after=after):
                if first and self._wishes.repair and not self._wishes.empty:
                    self._refuse_an_empty_store(checked)
                first = False
                done = replace(checked, findings=self._mended(checked.findings, threads))
                self._journal.add(done)
                yield done

    def unrecorded(self) -> Iterator[Checked]:
        """Look at every file of the store, and delete what nothing tells of if that is wished.

        Raises StoreError when the catalog is empty: then it is the catalog that is wrong, not the files.
        """
        if not self._wishes.remove_extra:
            yield from self._check.unrecorded()
            return
        if not self._catalog.read(count_recorded):
            raise StoreError("the catalog has no image, and every file would be deleted: see `scrapy catalog recover`")
        extra: list[Finding] = []
        for checked in self._check.unrecorded():
            extra += checked.findings
            yield replace(checked, findings=())
        asked = {sha256_of(finding.path) for finding in extra}
        told = sha256s_told(self._store.ledgers(), asked) if asked else asked
        for part in parts(extra, BATCH_FILES):
            yield Checked(files=0, findings=tuple(self._removed(finding, told) for finding in part))

    def sources(self, left: Sequence[Finding], *, pages: bool) -> dict[str, str]:
        """Return by SHA-256 the URL that a file can be downloaded from, or with pages the page where it was seen."""
        found: dict[str, str] = {}
        for part in parts(left, BATCH_FILES):
            found |= self._catalog.read(partial(sources, sha256s=[finding.sha256 for finding in part], pages=pages))
        return found

    def downloaded(
        self, left: Sequence[Finding], *, urls: Mapping[str, str], fetch: Callable[[Iterable[str]], object]
    ) -> list[Finding]:
        """Download what has a URL; return all of them, some of them repaired.

        A damaged file is moved aside first, as a download would take it for the right one. One that cannot be read
        stays, and is not downloaded: it may be whole.
        """
        aside: dict[str, Path | None] = {}
        for finding in left:
            if finding.sha256 in urls:
                with suppress(UnreadableFile):
                    aside[finding.sha256] = self._repair.set_aside(finding)
        if aside:
            fetch(urls[sha256] for sha256 in aside)
        return [self._outcome(finding, str(aside.get(finding.sha256) or "")) for finding in left]

    def queue_for_mirrors(self, repaired: Sequence[Finding], *, mirrors: Sequence[str]) -> None:
        """Let mirrors have what they lacked when it was asked back."""
        for part in parts(repaired, BATCH_FILES):
            sha256s = [finding.sha256 for finding in part]
            work = partial(queue_copies, sha256s=sha256s, mirrors=mirrors, now=datetime.now(UTC))
            self._catalog.transaction(work)

    # How

    def _mended(self, findings: Iterable[Finding], threads: ThreadPoolExecutor) -> tuple[Finding, ...]:
        return tuple(threads.map(self._repair.copy_back, findings) if self._wishes.repair else findings)

    def _removed(self, finding: Finding, told: Collection[str]) -> Finding:
        """Delete an extra file, unless a ledger tells of its image: then the catalog may be an older backup."""
        if sha256_of(finding.path) in told:
            hint = "but a ledger tells of it: `scrapy catalog recover --apply`"
            return replace(finding, detail=f"{finding.detail}, {hint}")
        self._store.remove(finding.path)
        return replace(finding, repaired="deleted")

    def _outcome(self, finding: Finding, aside: str) -> Finding:
        kept = f"; the damaged file is {aside}" if aside else ""
        if self._check.look(_recorded(finding)) is None:
            return replace(finding, repaired=f"downloaded again{kept}")
        return replace(finding, detail=f"{finding.detail}{kept}") if kept not in finding.detail else finding

    def _refuse_an_empty_store(self, checked: Checked) -> None:
        """Guard against a disk that is not mounted: its mirrors would be copied to another one."""
        all_missing = [finding.kind for finding in checked.findings] == ["missing"] * checked.files
        if all_missing and next(iter(self._store.files()), None) is None:
            raise self._lost()

    def _lost(self) -> StoreError:
        return StoreError(
            f"the image store {self._store.name} is not there or empty: is its disk mounted, is IMAGES_STORE right? "
            "If it has lost everything, --repair --empty fills it again"
        )


def _recorded(finding: Finding) -> RecordedFile:
    return RecordedFile(finding.sha256, finding.path, finding.bytes)
