"""What a database holds: the revision of its tables and how many rows stand in each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

Query = Callable[[str], Sequence[Sequence[Any]]]
"""Runs one SELECT and returns its rows."""

REVISION_TABLE = "alembic_version"


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """revision is that of the migrations, None without any; rows are counted by table, partitions with their table."""

    revision: str | None
    rows: dict[str, int]


def read_contents(query: Query, *, tables: str) -> Contents:
    """Count every table but that of the revision; `tables` is the SELECT that names them.

    Exact counts read every row: seconds for a million. The caller's transaction makes them those of one moment.
    """
    names = sorted(str(row[0]) for row in query(tables))
    revisions = query(f"select version_num from {REVISION_TABLE}") if REVISION_TABLE in names else []  # noqa: S608
    counted = [name for name in names if name != REVISION_TABLE]
    rows = {name: int(query(f'select count(*) from "{name}"')[0][0]) for name in counted}  # noqa: S608
    return Contents(revision=str(revisions[0][0]) if revisions else None, rows=rows)
