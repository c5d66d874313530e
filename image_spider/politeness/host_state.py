"""What all workers know of a host, beyond the clock that gives out its turns: a frozen record, no I/O."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from enum import StrEnum

TOLD_FAILURES = 3  # fewer failures in a row are a worker's own affair
TOLD_SHARE = 0.1  # of the delay: smaller changes are


class Breaker(StrEnum):
    """CLOSED: requests pass. OPEN: none does. HALF_OPEN: one, as a probe. GIVEN_UP: each fails at once, unasked."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"
    GIVEN_UP = "given_up"


@dataclass(frozen=True, slots=True, kw_only=True)
class HostState:
    """How a host may be asked now. Times are Unix seconds by the clock of who keeps the states (Redis in a fleet).

    An open breaker has one place: the first request after closed_until is the probe, and nobody needs to write
    HALF_OPEN, which `breaker.breaker_at` reads from the time.
    """

    delay: float  # seconds between two requests
    places: int  # requests at the same time
    closed_until: float = 0.0  # no request before: Retry-After, or an open breaker
    reason: str = ""  # why it is closed or slow, in words for a user
    breaker: Breaker = Breaker.CLOSED
    failures: int = 0  # in a row
    openings: int = 0  # of the breaker, since it was last closed
    opened_at: float = 0.0  # when it opened last: what was asked before tells nothing new
    latency: float = 0.0  # seconds, smoothed; 0: unknown
    usual: float = 0.0  # seconds: the latency of a host that is not troubled; 0: unknown
    busy: float = 0.0  # share of 503 among the answers, smoothed
    floor: float = 0.0  # seconds between two requests that robots.txt asks for
    slowed_at: float = 0.0  # when the delay grew last: what was asked before tells nothing new
    slowest: float = 0.0  # seconds: the delay it grew to, from which it recovers

    def to_text(self) -> str:
        """Return the state as JSON."""
        return json.dumps(asdict(self), separators=(",", ":"))

    @classmethod
    def from_text(cls, text: str) -> HostState:
        """Return the state of to_text; raises ValueError or TypeError for anything else."""
        values = json.loads(text)
        return cls(**values | {"breaker": Breaker(values["breaker"])})


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """What one request to a host came to: a status, or the cause of a failure without one."""

    status: int = 0  # 0: no answer
    cause: str = ""  # one of image_spider.causes when there was no answer
    seconds: float = 0.0  # from sending to the answer's headers, or to the failure
    retry_after: float = 0.0  # seconds that the server asked for; 0: it did not


def worth_telling(told: HostState, state: HostState) -> bool:
    """Tell whether the other workers should hear of a state, beside the one that they know.

    Not of each latency, each step of a recovery and each single failure: a host that is well costs no write at all.
    """
    if (told.breaker, told.openings, told.places, told.floor, told.closed_until) != (
        state.breaker,
        state.openings,
        state.places,
        state.floor,
        state.closed_until,
    ):
        return True
    if told.failures != state.failures and max(told.failures, state.failures) >= TOLD_FAILURES:
        return True
    if state.slowest and told.slowed_at != state.slowed_at:
        return True
    recovered = bool(told.slowest) and not state.slowest
    return recovered or abs(told.delay - state.delay) > TOLD_SHARE * told.delay
