"""How far mirrors are behind, for people, scripts and the console."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from rich import box
from rich.filesize import decimal
from rich.table import Table

from image_spider.catalog.copies import Behind


@dataclass(frozen=True, slots=True, kw_only=True)
class MirrorState:
    """A mirror, and the files and bytes that it lacks, of which the first has waited for so many seconds.

    failing of them could not be copied at the last attempt; error is what the latest one said. A mirror that is not
    configured is one no more, and its queue is left over.
    """

    mirror: str
    configured: bool
    files: int = 0
    bytes: int = 0
    seconds: float = 0.0
    failing: int = 0
    error: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return what JSON shows."""
        return asdict(self)


def states_of(found: Iterable[Behind], *, configured: Sequence[str], now: datetime) -> list[MirrorState]:
    """Return the state of every mirror, those first that are configured, in their order."""
    states = {name: MirrorState(mirror=name, configured=True) for name in configured}
    for one in found:
        states[one.mirror] = MirrorState(
            mirror=one.mirror,
            configured=one.mirror in configured,
            files=one.files,
            bytes=one.bytes,
            seconds=max(0.0, round((now - one.since).total_seconds(), 3)),
            failing=one.failing,
            error=one.error,
        )
    return list(states.values())


def mirrors_table(states: Iterable[MirrorState]) -> Table:
    """Return the mirrors as a table."""
    table = Table("mirror", "behind", "bytes", "for", "failing", "last error", box=box.SIMPLE_HEAD)
    for state in states:
        table.add_row(
            state.mirror if state.configured else f"{state.mirror} (not in IMAGES_MIRRORS)",
            f"{state.files:,} files" if state.files else "nothing",
            decimal(state.bytes) if state.files else "",
            f"{state.seconds:,.0f} s" if state.files else "",
            f"{state.failing:,}" if state.failing else "",
            state.error,
        )
    return table
