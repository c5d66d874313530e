"""The connection to Redis: one pool per process, our own retries, and whether Redis is away."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


class Client:
    """Speaks to the Redis that REDIS_URL names; nothing is connected before the first call.

    A call is repeated with exponential backoff and full jitter while Redis is away, loading, read-only, failing over
    or full; for ever, or until `deadline_seconds` are over: then BrokerError.
    """

    def __init__(
        self,
        *,
        url: str,
        name: str = "image_spider",
        timeout_seconds: float = 5.0,
        deadline_seconds: float | None = None,
        on_change: Callable[[], None] | None = None,
    ) -> None: ...

    @property
    def away_since(self) -> float | None:
        """`time.monotonic()` of the moment since which no call succeeds; None while all is well."""
        raise NotImplementedError

    @property
    def away_reason(self) -> str:
        """Why Redis is away, in words for the user; empty while all is well."""
        raise NotImplementedError

    @property
    def well_seconds(self) -> float:
        """For how long all calls have succeeded; 0 while Redis is away or before the first call."""
        raise NotImplementedError

    async def connect(self) -> None:
        """Check the way to Redis once: UsageError for a wrong password or an unfit server, BrokerError when away."""
        raise NotImplementedError

    async def command(self, *words: Any, deadline_seconds: float | None = None) -> Any:
        """Run one idempotent command."""
        raise NotImplementedError

    async def script(self, verb: str, key: str, *arguments: Any) -> Any:
        """Run the script of this name with one key."""
        raise NotImplementedError

    async def close(self) -> None:
        """Close the connections."""
        raise NotImplementedError
