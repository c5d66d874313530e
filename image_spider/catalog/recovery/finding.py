"""Something that is wrong, in plain words."""

from __future__ import annotations

from dataclasses import dataclass

from image_spider.catalog.pool.address import Address


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A problem in one sentence and the steps that end it, in their order.

    rebuild names a standby that may be made anew from the primary without harm: it serves nobody and holds nothing
    that the primary has not, or nothing that was ever acknowledged. replay tells that the ledgers of the store can be
    written into the catalog.
    """

    problem: str
    steps: tuple[str, ...]
    rebuild: Address | None = None
    replay: bool = False
