"""Shows a deployment: a table that moves on a terminal, a line per step elsewhere."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.live import Live
from rich.markup import escape
from rich.table import Table

from deploy.deployment.outcome import Outcome, Report, State
from deploy.deployment.target import Target
from deploy.deployment.versions import UNVERIFIED

COLOURS = {
    State.DEPLOYED: "green",
    State.UNCHANGED: "green",
    State.ROLLED_BACK: "green",
    State.PUT_BACK: "yellow",
    State.FAILED: "red",
    State.UNKNOWN: "bold red",
}


class Progress:
    """Tells on standard error what happens to each node; a context manager."""

    def __init__(self) -> None:
        self._console = Console(stderr=True, soft_wrap=True)
        self._outcomes: dict[Target, Outcome] = {}
        self._parts: dict[Target, float] = {}
        self._began = time.monotonic()
        self._live = Live(console=self._console, transient=True, get_renderable=self._table, refresh_per_second=8)

    def __enter__(self) -> Self:
        """Begin."""
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End; the table vanishes, and `report` leaves the last word."""
        if self._console.is_terminal:
            self._live.stop()

    def say(self, text: str) -> None:
        """Print a line."""
        self._console.print(text, markup=False, highlight=False)

    def outcome(self, outcome: Outcome) -> None:
        """Show how far a node is."""
        self._outcomes[outcome.target] = outcome
        if not self._console.is_terminal:
            seconds = time.monotonic() - self._began
            text = f"{seconds:7.2f} s  {outcome.target.name}: {outcome.state} {outcome.message}"
            self.say(text.rstrip())

    def sent(self, target: Target, part: float) -> None:
        """Show how much of the egg a node has."""
        self._parts[target] = part

    def report(self, report: Report, *, verb: str) -> None:
        """Print a line for each node, what could not be verified, and the sum."""
        for one in report.outcomes:
            is_silent = one.state is State.UNKNOWN or one.is_stock is None
            runs = one.runs or ("nobody knows what" if is_silent else "nothing")
            mark = "hash verified" if one.is_verified else ""
            text = " · ".join(part for part in (f"{one.target.name}: {one.state}", f"runs {runs}", mark) if part)
            self._console.print(f"[{COLOURS.get(one.state, 'default')}]{escape(text)}[/]", highlight=False)
            if one.message:
                self.say("    " + one.message.replace("\n", "\n    "))
        if report.unverified:
            self.say(f"{', '.join(report.unverified)}: {UNVERIFIED}")
        seconds = time.monotonic() - self._began
        self.say(f"{self._sum(report, verb)}, after {seconds:.1f} s")

    def _sum(self, report: Report, verb: str) -> str:
        if report.version is None:
            return "FAILED: the nodes do not all answer and run the same version" if not report.is_well else verb
        hashed = f" (the egg's SHA-256 is {report.sha256})" if report.sha256 else ""
        done = sum(one.runs == report.version for one in report.outcomes)
        begin = verb if report.is_well else "FAILED"
        return f"{begin}: {done} of {len(report.outcomes)} nodes run {report.version}{hashed}"

    def _table(self) -> Table:
        table = Table(box=None, pad_edge=False)
        for heading in ("NODE", "STATE", "SENT", "RUNS", ""):
            table.add_column(heading)
        for target, one in self._outcomes.items():
            part = f"{self._parts[target]:.0%}" if target in self._parts else "-"
            state = f"[{COLOURS.get(one.state, 'default')}]{one.state}[/]"
            table.add_row(
                escape(target.name),
                state,
                part,
                one.runs or "-",
                escape(one.message.splitlines()[0] if one.message else ""),
            )
        return table
