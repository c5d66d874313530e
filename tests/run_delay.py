"""For how long a thread had to wait for a core: what a measured delay owes to others."""

from __future__ import annotations

from pathlib import Path


def run_delay_seconds() -> float:
    """Return for how long this thread was ready to run so far and had no core."""
    return int(Path("/proc/thread-self/schedstat").read_text(encoding="ascii").split()[1]) / 1e9
