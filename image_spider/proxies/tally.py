"""What came of a proxy's requests: exact counts for all to see, and a rating that follows the latest ones."""

from __future__ import annotations

from dataclasses import dataclass

KEEP = 0.9  # of the rating, per request: the last ten count most
LEAST_SUCCESS = 0.1  # what a proxy that always fails is taken for: it keeps 1 % of a good one's share, and may recover
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
    """How a proxy has done lately: exponentially weighted means. A proxy that nobody has tried is taken for good."""

    success: float = 1.0
    seconds: float = 0.0  # response time; 0: unknown

    def after(self, tally: Tally) -> Rating:
        """Return the rating when so much more has happened."""
        if tally.requests < 1:
            return self
        kept = KEEP**tally.requests
        success = kept * self.success + (1 - kept) * min(1.0, max(0.0, tally.ok / tally.requests))
        if tally.ok < 1:
            return Rating(success, self.seconds)
        mean = tally.ms / tally.ok / 1000
        kept = KEEP**tally.ok if self.seconds else 0.0
        return Rating(success, kept * self.seconds + (1 - kept) * mean)

    def weight(self, *, otherwise: float) -> float:
        """Return success squared over response time; `otherwise` stands for a time that is unknown.

        Squared, since by the plain rate one of two proxies that fails nine times in ten would be given 9 % of the
        requests, and each failure costs another try.
        """
        return max(self.success, LEAST_SUCCESS) ** 2 / max(self.seconds or otherwise, LEAST_SECONDS)
