"""The tables of `python -m benchmarks.images`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rich.table import Table

from benchmarks.images.profile import Passage
from benchmarks.race import Run
from benchmarks.stages import WHOLE


@dataclass(frozen=True, slots=True)
class Claim:
    """A figure and the least (or, where lower is better, the most) that it may be."""

    what: str
    figure: float
    unit: str
    floor: float
    lower_is_better: bool = False

    @property
    def holds(self) -> bool:
        """Tell whether the figure keeps to its floor."""
        return self.figure < self.floor if self.lower_is_better else self.figure >= self.floor


def race_table(runs: Mapping[str, Run]) -> Table:
    """Return the runs side by side; a "!" marks a run that other programs disturbed."""
    head = ("images/s", "CPU ms/image", "children's", "idle cores", "others' cores", "MB at most", "growth")
    table = _table("who", *head)
    for name, run in runs.items():
        table.add_row(
            name,
            f"{run.rate:.0f}",
            f"{run.command_ms + run.child_ms:.2f}",
            f"{run.child_ms:.2f}",
            f"{run.idle_cores:.2f}",
            f"{run.other_cores:.2f}" + " !" * run.disturbed,
            f"{run.peak_mb:.0f}",
            f"{run.peak_mb - run.early_mb:+.0f}",
        )
    return table


def claims_table(claims: Sequence[Claim]) -> Table:
    """Return each figure beside its floor."""
    table = _table("figure", "measured", "floor", "")
    for claim in claims:
        sign = "<" if claim.lower_is_better else "≥"
        limit = f"{sign} {claim.floor:g}{claim.unit}"
        table.add_row(claim.what, f"{claim.figure:.2f}{claim.unit}", limit, "holds" if claim.holds else "MISSED")
    return table


def profile_table(stages: Mapping[str, Mapping[str, float]], passages: Mapping[str, Passage]) -> Table:
    """Return ms of CPU by stage, a column for each size; what the decoding processes take beyond the stages is pipe."""
    table = _table("stage, ms of CPU per image", *stages)
    for stage in next(iter(stages.values())):
        table.add_row(stage, *(f"{stages[size][stage]:.2f}" for size in stages))
    table.add_row("pipe, crawling process", *(f"{passages[size].sender_ms:.2f}" for size in stages))
    beyond = (passages[size].decoders_ms - stages[size][WHOLE] for size in stages)
    table.add_row("pipe and contention, decoding process", *(f"{ms:.2f}" for ms in beyond))
    return table


def _table(first: str, *others: str) -> Table:
    table = Table(first, *others)
    for column in table.columns[1:]:
        column.justify = "right"
    return table
