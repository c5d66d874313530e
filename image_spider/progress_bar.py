"""How far a long command has come: a bar on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Self

from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress

LINE_SECONDS = 10.0


class ProgressBar:
    """Counts images, or another unit, up to a total, on a console, which should be that of standard error."""

    def __init__(
        self, total: int, *, console: Console, unit: str = "images", clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._total = total
        self._unit = unit
        self._done = 0
        self._console = console
        self._clock = clock
        self._said = clock()
        columns = (*Progress.get_default_columns(), MofNCompleteColumn())
        self._bar = Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
        self._task = self._bar.add_task(unit, total=total)

    def __enter__(self) -> Self:
        """Begin."""
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        """End; the bar goes."""
        self._bar.stop()

    def advance(self, number: int) -> None:
        """Count so many more."""
        self._done += number
        self._bar.update(self._task, completed=self._done)
        if not self._console.is_terminal and self._clock() - self._said >= LINE_SECONDS:
            self._said = self._clock()
            self.say(f"{self._done:,} of {self._total:,} {self._unit}")

    def say(self, line: str) -> None:
        """Print a line, as it is, above the bar."""
        self._console.print(line, markup=False, highlight=False, soft_wrap=True)
