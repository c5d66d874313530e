"""How often a robots.txt lets us ask."""

from __future__ import annotations

import math
import sys

ROBOTS_TXT = "robots_txt"  # in meta of a request for a robots.txt, wherever it is redirected to


def floor_of(crawl_delay: float | None, request_rate: tuple[float, float] | None) -> float:
    """Return the seconds between two requests that a robots.txt asks for; 0: it does not.

    `request_rate` is requests and seconds. Neither line is in RFC 9309; the draft of 1996 had Request-rate ("1/5": one
    in five seconds), and Crawl-delay is Yahoo's and Bing's. Of both the slower counts; nonsense counts as none.
    """
    requests, seconds = request_rate or (0.0, 0.0)
    asked = [value for value in (crawl_delay or 0.0, _quotient(seconds, requests)) if 0 < value < math.inf]
    return max(asked, default=0.0)


def _quotient(seconds: float, requests: float) -> float:
    """Return the seconds for each request; those that no float can hold count as the most that one can."""
    try:
        return seconds / requests if requests > 0 else 0.0
    except OverflowError:
        return sys.float_info.max
