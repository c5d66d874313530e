"""The clock of who keeps the hosts' budgets, read from here: turns are moments of that clock."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass

SAMPLES = 32
OLDEST_SECONDS = 120.0  # two clocks drift apart by a few milliseconds in that time


@dataclass(frozen=True, slots=True)
class _Sample:
    """The other clock was ahead of time.monotonic() by something between low and high, seconds."""

    at: float
    low: float
    high: float


class RemoteClock:
    """Estimates how far a server's clock is ahead of time.monotonic(), as NTP does: by the quickest round trips.

    A reply names the server's time between its sending and its coming, so each one bounds the difference. The middle of
    the narrowest interval counts. An interval that does not meet it is the proof that the server is another one now.
    """

    def __init__(self) -> None:
        self._samples: deque[_Sample] = deque(maxlen=SAMPLES)
        self._ahead = time.time() - time.monotonic()  # until the first reply: this machine's own clock

    def note(self, *, sent: float, received: float, server: float) -> None:
        """Learn from a reply: `sent` and `received` by time.monotonic(), `server` in Unix seconds."""
        sample = _Sample(received, server - received, server - sent)
        if any(sample.low > other.high or sample.high < other.low for other in self._samples):
            self._samples.clear()
        self._samples.append(sample)
        while self._samples[0].at < received - OLDEST_SECONDS:
            self._samples.popleft()
        best = min(self._samples, key=lambda one: one.high - one.low)
        self._ahead = (best.low + best.high) / 2

    def now(self) -> float:
        """Return the server's time, Unix seconds."""
        return time.monotonic() + self._ahead

    def moment(self, at: float) -> float:
        """Return the time.monotonic() of a time of the server's."""
        return at - self._ahead
