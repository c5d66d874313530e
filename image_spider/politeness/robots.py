"""How often a robots.txt lets us ask."""

from __future__ import annotations

import math


def floor_of(crawl_delay: float | None, request_rate: tuple[float, float] | None) -> float:
    """Return the seconds between two requests that a robots.txt asks for; 0: it does not.

    `request_rate` is requests and seconds. Neither line is in RFC 9309; the draft of 1996 had Request-rate ("1/5": one
    in five seconds), and Crawl-delay is Yahoo's and Bing's. Of both the slower counts; nonsense counts as none.
    """
    requests, seconds = request_rate or (0.0, 0.0)
    asked = [crawl_delay or 0.0, seconds / requests if requests > 0 else 0.0]
    return max((value for value in asked if math.isfinite(value) and value > 0), default=0.0)
