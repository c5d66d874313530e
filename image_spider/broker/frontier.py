"""The shared request queue: push, lease, finish, nack. One typed method per script.

Every method may be repeated after a lost reply: push and lease know the worker's last call by its number, finish
and nack find the lease gone. So a worker numbers its push calls and its lease calls 1, 2, 3 ..., has ONE of each under
way at a time, and repeats a call that was cancelled under the same number. A call that arrives late, after a higher
number, does nothing: else requests would be leased to a worker that never hears of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from image_spider.broker.client import Client
from image_spider.broker.records import DeadLetter, Finish, Leases, Nack, Push, Pushed, Released

PUSH_LIMIT = 1000  # requests of one push call; a script is atomic, so its length is everybody's latency
LEASE_LIMIT = 256  # leases of one call


@dataclass(frozen=True, slots=True, kw_only=True)
class FrontierOptions:
    """What all workers of one frontier must agree on."""

    name: str  # broker.keys.frontier_name(SCHEDULER_QUEUE_KEY)
    lease_seconds: float = 30.0
    max_attempts: int = 3
    seen_error_rate: float = 1e-4  # 0: an exact set
    seen_seconds: float | None = 3600.0  # how long the filter of a finished crawl is kept; None: for ever


class Frontier:
    """The requests of one spider on one Redis."""

    def __init__(self, *, client: Client, options: FrontierOptions) -> None: ...

    async def push(
        self, *, worker: str, call: int, requests: Sequence[Push], reopen: bool = False, batch: str = ""
    ) -> tuple[Pushed, ...]:
        """Check and enqueue up to PUSH_LIMIT requests in one step; return what became of each, in order.

        `reopen` makes a finished crawl run again instead of dropping its requests. A `batch` that any worker
        pushed within the last hour is not pushed again (an empty result): start URLs that were taken twice.
        """
        raise NotImplementedError

    async def lease(self, *, worker: str, call: int, count: int, host_delay_ms: int, host_concurrency: int) -> Leases:
        """Take up to `count` (at most LEASE_LIMIT) requests of hosts whose time has come.

        A host gives one request per `host_delay_ms` and has at most `host_concurrency` leases in flight over all
        workers; without a delay it may give several at once. The crawls of a host take turns.
        """
        raise NotImplementedError

    async def finish(self, *, worker: str, finishes: Sequence[Finish]) -> Released:
        """Forget requests that are done. A lease that is not this worker's any more is left alone."""
        raise NotImplementedError

    async def nack(self, *, worker: str, nacks: Sequence[Nack]) -> Released:
        """Give requests back; after max_attempts attempts they go to the dead letters with their cause."""
        raise NotImplementedError

    async def dead_letters(self, *, count: int = 100) -> tuple[DeadLetter, ...]:
        """Return the latest dead letters, newest first; the latest 10,000 are kept."""
        raise NotImplementedError

    async def empty(self) -> None:
        """Delete every key of the frontier, in small steps, for SCHEDULER_FLUSH_ON_START.

        Not atomic: no worker may be alive.
        """
        raise NotImplementedError
