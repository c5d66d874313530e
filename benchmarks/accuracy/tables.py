"""Tables: printed on the terminal and written between markers into docs/accuracy.md."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Table:
    """One measured table with the name of its place in the document."""

    name: str
    title: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    note: str = ""

    def markdown(self) -> str:
        """Return the table as Markdown, first column left, the others right."""
        lines = [f"**{self.title}**", "", "| " + " | ".join(self.head) + " |"]
        lines.append("|---|" + "---:|" * (len(self.head) - 1))
        lines.extend("| " + " | ".join(row) + " |" for row in self.rows)
        return "\n".join([*lines, "", self.note] if self.note else lines)


def write_tables(document: Path, tables: Sequence[Table]) -> None:
    """Replace what stands between `<!-- NAME -->` and `<!-- /NAME -->` in the document."""
    text = document.read_text(encoding="utf-8")
    for table in tables:
        start, end = f"<!-- {table.name} -->", f"<!-- /{table.name} -->"
        before, rest = text.split(start, 1)
        after = rest.split(end, 1)[1]
        text = f"{before}{start}\n{table.markdown()}\n{end}{after}"
    document.write_text(text, encoding="utf-8")


def percent(part: float, whole: float) -> str:
    """Return part / whole in per cent with one decimal, or a dash for nothing."""
    return f"{100 * part / whole:.1f}" if whole else "–"
