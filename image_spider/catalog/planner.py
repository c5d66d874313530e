"""What PostgreSQL's planner is told about transactions that write a batch."""

from __future__ import annotations

from sqlalchemy import Connection, func, select

SETTINGS = {
    # Left alone, it plans each check of a foreign key to a partition anew: 36 ms of a batch of 200 instead of 6.
    "plan_cache_mode": "force_generic_plan",
    # Two hundred rows by their keys looked like work for two processes: 20 ms to start one, 2 ms of work.
    "max_parallel_workers_per_gather": "0",
}
_TELL = select(*(func.set_config(name, value, True) for name, value in SETTINGS.items()))


def expect_batches(connection: Connection) -> None:
    """Set them until the end of the transaction; SQLite needs none."""
    if connection.dialect.name == "postgresql":
        connection.execute(_TELL)
