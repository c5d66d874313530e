"""What Scrapy gives us of a request's end, as an observation of its host."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from image_spider import causes
from image_spider.politeness.host_state import Observation
from image_spider.politeness.observation import retry_after_seconds

if TYPE_CHECKING:
    from scrapy.http import Response


def of_response(response: Response, *, seconds: float = 0.0) -> Observation:
    """Return what an answer tells that came after so many seconds."""
    asked = retry_after_seconds(response.headers.get("Retry-After"), now=time.time())
    return Observation(status=response.status, seconds=seconds, retry_after=asked)


def of_error(error: BaseException, *, seconds: float = 0.0) -> Observation:
    """Return what a failure tells that came after so many seconds."""
    return Observation(cause=causes.of(error).cause, seconds=seconds)
