"""What came of a proxy's requests: exact counts for all to see, and a rating that follows the latest ones."""

from __future__ import annotations

from dataclasses import dataclass

KEEP = 0.9  # of the rating, per request: the last ten count most
LEAST_SUCCESS = 0.15  # what a proxy that always fails is taken for: it keeps 0.3 % of a good one's share, to recover
LEAST_SECONDS = 0.05  # faster ones are alike


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """Counts of requests by what came of them; `ms` is the response time of those that were answered well, summed."""

    ok: int = 0
    banned: int = 0
    failed: int = 0
    ms: int = 0

    def __add__(self, other: Tally) -> Tally:
        """Return the sums."""
        return Tally(
            ok=self.ok + other.ok,
            banned=self.banned + other.banned,
            failed=self.failed + other.failed,
            ms=self.ms + other.ms,
        )

    def __sub__(self, other: Tally) -> Tally:
        """Return the differences."""
        return Tally(
            ok=self.ok - other.ok,
            banned=self.banned - other.banned,
            failed=self.failed - other.failed,
            ms=self.ms - other.ms,
        )

    @property
    def requests(self) -> int:
        """Return how many requests there were."""
        return self.ok + self.banned + self.failed

    def to_text(self) -> str:
        """Return the four numbers."""
        return f"{self.ok} {self.banned} {self.failed} {self.ms}"

    @classmethod
    def from_text(cls, text: str) -> Tally:
        """Return the tally of to_text; raises ValueError for anything else."""
        ok, banned, failed, ms = (int(word) for word in text.split())
        return cls(ok=ok, banned=banned, failed=failed, ms=ms)


@dataclass(frozen=True, slots=True)
class Rating:
    """How a proxy has done lately: exponentially weighted means, over fewer requests at its beginning.

    One that nobody has tried is taken for good, as if by one request that went well: the first failure halves that.
    """

    success: float = 1.0
    seconds: float = 0.0  # response time; 0: unknown
    seen: int = 0  # requests

    def after(self, tally: Tally) -> Rating:
        """Return the rating when so much more has happened."""
        if tally.requests < 1:
            return self
        kept = min(KEEP**tally.requests, (self.seen + 1) / (self.seen + 1 + tally.requests))
        success = kept * self.success + (1 - kept) * min(1.0, max(0.0, tally.ok / tally.requests))
        seconds, seen = self.seconds, self.seen + tally.requests
        if tally.ok >= 1:
            kept = KEEP**tally.ok if seconds else 0.0
            seconds = kept * seconds + (1 - kept) * tally.ms / tally.ok / 1000
        return Rating(success, seconds, seen)

    def weight(self, *, running: int, otherwise: float) -> float:
        """Return success cubed over the time that a request may take; `otherwise` stands for one that is unknown.

        The time is that of an answer for each request under way and for this one, as in Finagle's balancer (Peak EWMA):
        a proxy that hangs is passed by before its first failure. But one that fails fast has nothing under way. By the
        plain rate one that fails nine times in ten would be given 9 % beside one good proxy, and 30 % while that has
        four requests under way; by the cube it is below 1 %.
        """
        seconds = max(self.seconds or otherwise, LEAST_SECONDS)
        return max(self.success, LEAST_SUCCESS) ** 3 / (seconds * (1 + running))
