"""A mirror brought up to date at once, for a command: what it lacks is found out, and copied."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

from image_spider.catalog.copies import hurry_copies, queue_copies
from image_spider.exceptions import UnreadableFile
from image_spider.integrity.check import Check, Checked
from image_spider.integrity.repair import is_damaged
from image_spider.mirrors.copying import BATCH_COPIES, now
from image_spider.mirrors.opening import open_mirror
from image_spider.mirrors.pauses import mirror_pause

if TYPE_CHECKING:
    from image_spider.catalog.catalog import Catalog
    from image_spider.integrity.findings import Finding
    from image_spider.mirrors.copying import Copied, Copying
    from image_spider.stores.store import Store

TRIES = 2  # of a mirror that is away, before somebody who waits is told so


def queue_lacking(
    catalog: Catalog, mirror: Store, *, full: bool, clock: Callable[[], datetime] = now
) -> Iterator[Checked]:
    """Compare a mirror with the catalog and queue what it lacks or has damaged, batch by batch.

    That is for what was stored before there was the mirror, and what somebody deleted there. What cannot be read there
    is left as it is, for the caller to name. Raises StoreError and CatalogError; begun again, it begins at the first
    image.
    """
    open_mirror(mirror)  # else one that is away would lack everything
    for checked in Check(catalog=catalog, store=mirror, full=full).recorded():
        sha256s = [finding.sha256 for finding in checked.findings if _lacks(mirror, finding)]
        catalog.transaction(partial(queue_copies, sha256s=sha256s, mirrors=[mirror.name], now=clock()))
        yield checked


def _lacks(mirror: Store, finding: Finding) -> bool:
    """Tell whether a mirror is to get a file; a damaged one is deleted there."""
    if finding.kind == "damaged":
        try:
            if not is_damaged(mirror, finding):
                return False
        except UnreadableFile:
            return False
        mirror.remove(finding.path)  # a file of the right size would be taken for the right one
    return True


def catch_up(catalog: Catalog, copying: Copying, *, pause: Callable[[float], object] = time.sleep) -> Iterator[Copied]:
    """Copy what is queued, also what waits for its next attempt, until nothing is due or the mirror stays away."""
    catalog.transaction(partial(hurry_copies, mirror=copying.mirror.name, now=now()))
    failures = 0
    while True:
        copied = copying.step(limit=1 if failures else BATCH_COPIES)
        yield copied
        failures = failures + 1 if copied.away else 0
        if failures == TRIES or not (copied.claimed or copied.away):
            return
        if failures:
            pause(mirror_pause(failures))
