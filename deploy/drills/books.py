"""What must be in the catalog after a crawl, beside what is."""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import dataclass
from typing import NamedTuple

IN_ORDER = ("finished", "shutdown")


class Sighting(NamedTuple):
    """An image seen on a page."""

    page_url: str
    image_url: str
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Books:
    """Sightings that the site shows, that a worker was told are committed, and that the catalog has with their image.

    files are the SHA-256 of whole files in the store; failures are the catalog's; endings are the finish reasons of the
    workers that were told to end, empty for one that has none.
    """

    shown: Set[Sighting]
    acknowledged: Set[Sighting]
    recorded: Sequence[Sighting]
    files: Set[str]
    failures: Sequence[str]
    endings: Sequence[str]

    def summary(self) -> str:
        """Return the figures in a line."""
        return (
            f"{len(self.shown)} sightings on the site, {len(self.acknowledged)} acknowledged, {len(self.recorded)}"
            f" in the catalog: {len(self._lost)} lost, {len(self._missing)} missing, {self._doubled} doubled,"
            f" {len(self.failures)} failed, {len(self._without_file)} without a file"
        )

    def complaints(self) -> list[str]:
        """Return what is wrong, a line each; empty: nothing is."""
        found: dict[str, Sequence[object]] = {
            "acknowledged, and not in the catalog": sorted(self._lost),
            "on the site, and not in the catalog": sorted(self._missing),
            "recorded as failed": list(self.failures),
            "rows without a whole file": sorted(self._without_file),
            "twice in the catalog": [""] * self._doubled,
            "workers that did not end in order": [
                one or "without a word" for one in self.endings if one not in IN_ORDER
            ],
        }
        return [f"{len(what)} {where}, such as {what[0]}" for where, what in found.items() if what]

    @property
    def _lost(self) -> Set[Sighting]:
        return self.acknowledged - set(self.recorded)

    @property
    def _missing(self) -> Set[Sighting]:
        return self.shown - set(self.recorded)

    @property
    def _doubled(self) -> int:
        return len(self.recorded) - len(set(self.recorded))

    @property
    def _without_file(self) -> Set[str]:
        return {sighting.sha256 for sighting in self.recorded} - self.files
