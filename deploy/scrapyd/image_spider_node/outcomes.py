"""How jobs have ended."""

from __future__ import annotations

import signal
from dataclasses import dataclass

from image_spider_node.database import Database
from image_spider_node.jobs import CANCELLED

# A job that was told to end, by cancel.json or a signal, has not failed: Scrapy's reason is "shutdown" when it ended in
# order; the signals are those of a second Ctrl-C and of a process that had not begun to listen.
OUTCOME = f"""CASE
    WHEN exit_status = 0 THEN 'succeeded'
    WHEN finish_reason = 'shutdown' OR finish_reason LIKE '{CANCELLED}%' THEN 'interrupted'
    WHEN exit_status IN ({-signal.SIGINT}, {-signal.SIGTERM}) THEN 'interrupted'
    WHEN exit_status IS NULL THEN 'unknown'
    ELSE 'failed' END"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcomes:
    """Counts of the ended jobs that the node still remembers.

    `interrupted`: told to end, or cancelled before it began. `unknown`: nobody saw its exit status, as after a power
    cut. `last_failure`, seconds since 1970: when one failed the last time.
    """

    succeeded: int = 0
    failed: int = 0
    interrupted: int = 0
    unknown: int = 0
    last_failure: float | None = None


def count_outcomes(database: Database) -> Outcomes:
    """Count the ended jobs by what became of them."""
    with database.reading() as connection:
        rows = connection.execute(
            f"SELECT {OUTCOME} AS outcome, count(*), max(ended) FROM jobs WHERE ended IS NOT NULL GROUP BY outcome"
        ).fetchall()
    counts = {outcome: count for outcome, count, _ in rows}
    return Outcomes(**counts, last_failure=next((last for outcome, _, last in rows if outcome == "failed"), None))
