"""The time by which bans are told: Redis's in a fleet, this machine's otherwise. It never goes back by itself."""

from __future__ import annotations

import time


class Clock:
    """Unix seconds."""

    def __init__(self) -> None:
        self._offset = time.time() - time.monotonic()

    def __call__(self) -> float:
        """Return the time."""
        return time.monotonic() + self._offset

    def set(self, now: float) -> None:
        """Follow another clock, which showed this time a moment ago."""
        self._offset = now - time.monotonic()
