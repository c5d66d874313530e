"""How far apart requests to a host are, so that no second has more of them than told."""

from __future__ import annotations

import math

SPACING = 1.035  # turns are so much wider apart than told: what is left is for requests that are a little late
LATE_SECONDS = 0.015  # a turn that is missed by more is thrown away: late requests run into punctual ones ...
LATE_SHARE = 0.03  # ... or by this share of the delay, where that is longer
SPARE_PLACES = 1  # beside those that the latency asks for: answers do not come evenly


def spaced(delay: float) -> float:
    """Return the seconds between two turns of a host that is to be asked every `delay` seconds.

    1 / delay + 1 requests span 1 / delay gaps, 1.035 s: more than a second even if the first one is LATE_SECONDS late,
    and needs as long again for the way from here to the server.
    """
    return delay * SPACING


def tolerance(delay: float) -> float:
    """Return the seconds by which a turn may be late."""
    return max(LATE_SECONDS, LATE_SHARE * delay)


def places_needed(latency: float, delay: float) -> int:
    """Return how many requests are under way on average, by Little's law, and a spare one; the delay is not 0."""
    return math.ceil(latency / delay) + SPARE_PLACES
