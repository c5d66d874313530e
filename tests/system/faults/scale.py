"""How large the fault tests are: small in the test suite, full by `make faults`."""

from __future__ import annotations

import os
from dataclasses import dataclass

FULL_KEY = "IMAGE_SPIDER_FAULTS"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    pages: int  # and twice as many images
    workers: int
    kills: int
    redis_kills: int
    stop_seconds: float
    deadline_seconds: float  # for one crawl


SMALL = Scale(pages=150, workers=2, kills=3, redis_kills=2, stop_seconds=6, deadline_seconds=90)
FULL = Scale(pages=2000, workers=4, kills=20, redis_kills=3, stop_seconds=20, deadline_seconds=600)
SCALE = FULL if os.environ.get(FULL_KEY) == "full" else SMALL
