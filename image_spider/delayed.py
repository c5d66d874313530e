"""meta["delay_seconds"]: a request that the scheduler hands out so many seconds after it was given it, not before."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from scrapy import Request

DELAY = "delay_seconds"
LONGEST_SECONDS = 30 * 24 * 3600.0


def delayed(request: Request, seconds: float) -> Request:
    """Return the request, to be handed out in so many seconds; the scheduler takes the mark away."""
    request.meta[DELAY] = seconds
    return request


def take_delay(request: Request) -> float:
    """Take the mark of a request away and return its seconds; 0 for none, and for what is no number."""
    value = request.meta.pop(DELAY, 0.0)
    seconds = float(value) if isinstance(value, int | float) else 0.0
    return min(seconds, LONGEST_SECONDS) if seconds > 0 else 0.0
