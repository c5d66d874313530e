"""What an answer, or the want of one, tells of its host."""

from __future__ import annotations

from datetime import UTC
from email.utils import parsedate_to_datetime
from enum import StrEnum

from image_spider import causes
from image_spider.politeness.host_state import Observation

NO_ANSWER = frozenset({causes.TIMEOUT, causes.DNS, causes.CONNECTION})


class Tells(StrEnum):
    """WELL: it answers, were it with 404. REFUSED: it wants fewer requests. FAILED: it is down. NOTHING: our doing."""

    WELL = "well"
    REFUSED = "refused"
    FAILED = "failed"
    NOTHING = "nothing"


def tells(observation: Observation) -> Tells:
    """Return what an observation tells. 503 is a failure, and may be a refusal too: see `overloaded`."""
    if observation.cause in NO_ANSWER:
        return Tells.FAILED
    if not observation.status:
        return Tells.NOTHING
    if observation.status >= 500:
        return Tells.FAILED
    return Tells.REFUSED if observation.status == 429 else Tells.WELL


def asks_to_wait(observation: Observation) -> bool:
    """Tell whether the host, which is well, wants fewer requests: RFC 6585, 4; RFC 9110, 15.6.4."""
    return observation.status == 429 or (observation.status == 503 and observation.retry_after > 0)


def overloaded(observation: Observation, *, share: float, least: float) -> bool:
    """Tell whether the host is to be asked less often; 503 alone may be one broken page, up to the `least` share."""
    return asks_to_wait(observation) or (observation.status == 503 and share >= least)


def retry_after_seconds(value: bytes | str | None, *, now: float) -> float:
    """Return the seconds that a Retry-After header asks for: a number or a date (RFC 9110, 10.2.3); 0 for neither.

    `now` is Unix time. A date is by the server's clock; should that be wrong, so are we: cap what you get.
    """
    if not value:  # of nearly every answer: to parse nothing as a date takes as long as all the rest
        return 0.0
    text = (value.decode("latin-1") if isinstance(value, bytes) else value).strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])  # 31 years; int() of a longer one may take its time
    try:
        date = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return 0.0
    try:
        return max(0.0, (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp() - now)
    except (ValueError, OverflowError):
        return 0.0
