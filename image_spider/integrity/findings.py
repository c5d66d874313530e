"""What is wrong with the files of a store."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["missing", "damaged", "extra"]
KINDS: tuple[Kind, ...] = ("missing", "damaged", "extra")


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A file that is missing or damaged, or that no row of the catalog names (extra).

    sha256 and bytes are those that the row asks for, and "" and what was found for an extra file. repaired says by what
    the file was made whole, and is empty while it is not; detail is for people.
    """

    kind: Kind
    path: str
    sha256: str
    bytes: int
    detail: str
    repaired: str = ""

    def line(self) -> str:
        """Return it as a line for people."""
        return f"{self.path}: {self.detail}" + (f"; {self.repaired}" if self.repaired else "")
