"""How jobs have ended."""

from __future__ import annotations

from dataclasses import dataclass

from image_spider_node.database import Database


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcomes:
    """Counts of the ended jobs that the node still remembers.

    `unknown`: nobody was there to see the exit status, as after a power cut, or it was cancelled before it began.
    `last_failure`, seconds since 1970: when one ended with another status than 0 the last time.
    """

    succeeded: int = 0
    failed: int = 0
    unknown: int = 0
    last_failure: float | None = None


def count_outcomes(database: Database) -> Outcomes:
    """Count the ended jobs by their exit status."""
    with database.reading() as connection:
        row = connection.execute(
            "SELECT count(*) FILTER (WHERE exit_status = 0), count(*) FILTER (WHERE exit_status <> 0), "
            "count(*) FILTER (WHERE exit_status IS NULL), max(ended) FILTER (WHERE exit_status <> 0) "
            "FROM jobs WHERE ended IS NOT NULL"
        ).fetchone()
    return Outcomes(succeeded=row[0], failed=row[1], unknown=row[2], last_failure=row[3])
