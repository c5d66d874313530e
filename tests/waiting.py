"""Waiting for what other processes do: never longer than needed, and never for ever."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

DEADLINE_SECONDS = 180.0


def wait_until(condition: Callable[[], Any], *, seconds: float = DEADLINE_SECONDS, what: str = "") -> Any:
    """Return the condition's first true value; fail when the deadline passes."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if value := condition():
            return value
        time.sleep(0.01)
    raise AssertionError(f"not within {seconds:g} s: {what or condition}")
