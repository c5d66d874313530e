"""The connection to Redis: one pool per process, our own retries, and whether Redis is away."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from redis.asyncio import RedisCluster
from redis.exceptions import NoScriptError, RedisClusterException, RedisError

from image_spider.broker import scripts
from image_spider.broker.connection import Connection, close_connection, open_connection
from image_spider.broker.outages import CODES, is_mistake, outage
from image_spider.exceptions import BrokerError, UsageError

logger = logging.getLogger(__name__)

BACKOFF_SECONDS = 0.1
LONG_SECONDS = 1.0
LONGEST_BACKOFF_SECONDS = 2.0  # how late a worker may notice that Redis is back
ERRORS = (RedisError, RedisClusterException, OSError, TimeoutError, AttributeError)


class Client:
    """Speaks to the Redis that REDIS_URL names; nothing is connected before the first call.

    A call is repeated with exponential backoff and full jitter while Redis is away, loading, read-only, failing over
    or full; for ever, or until `deadline_seconds` are over: then BrokerError. So every call must be harmless when it
    is run twice. A wrong password or URL is a UsageError, until the first call has succeeded.
    """

    def __init__(
        self,
        *,
        url: str,
        name: str = "image_spider",
        timeout_seconds: float = 5.0,
        deadline_seconds: float | None = None,
        on_change: Callable[[], None] | None = None,
    ) -> None:
        self._url = url
        self._name = name
        self._timeout_seconds = timeout_seconds
        self._deadline_seconds = deadline_seconds
        self._on_change = on_change
        self._connection: Connection | None = None
        self._last_success = 0.0
        self._well_since: float | None = None
        self._away_since: float | None = None
        self._away_reason = ""
        self._without_room = 0  # calls that a full Redis has refused and that wait
        self._full_since = 0.0
        self.calls = 0

    @property
    def away_since(self) -> float | None:
        """`time.monotonic()` of the moment since which no call succeeds; None while all is well."""
        return self._away_since

    @property
    def away_reason(self) -> str:
        """Why Redis is away, or full, in words for the user; empty while all is well."""
        return self._away_reason or (CODES["OOM"] if self._without_room else "")

    @property
    def well_seconds(self) -> float:
        """For how long Redis has answered; 0 while it is away or before the first call."""
        return 0.0 if self._well_since is None else time.monotonic() - self._well_since

    async def connect(self) -> None:
        """Try Redis once.

        Raises UsageError for a wrong password or URL, BrokerError when Redis cannot be reached now. Warns when Redis
        may throw keys away under memory pressure.
        """
        try:
            memory = await self._connected().info("memory")
        except ERRORS as error:
            raise self._refused(error) from error
        self._succeeded()
        nodes = memory.values() if isinstance(next(iter(memory.values()), None), dict) else [memory]
        policies = {node.get("maxmemory_policy", "noeviction") for node in nodes}
        if policies != {"noeviction"}:
            logger.warning(
                "Redis has maxmemory-policy %s and may throw requests away when it is full: set noeviction",
                ", ".join(sorted(policies)),
            )

    async def command(self, *words: Any) -> Any:
        """Run one command that may be repeated; replies are those of RESP2, undecoded."""
        return await self._repeated(lambda: self._connected().execute_command(*words))

    async def script(self, verb: str, key: str, *arguments: Any) -> Any:
        """Run lua/<verb>.lua, whose keys all share the slot of `key`."""
        script = scripts.load(verb)

        async def run() -> Any:
            try:
                return await self._connected().execute_command("EVALSHA", script.sha, 1, key, *arguments)
            except NoScriptError:  # a new or restarted server; EVAL makes it known
                return await self._connected().execute_command("EVAL", script.text, 1, key, *arguments)

        return await self._repeated(run)

    async def keys(self, pattern: str) -> list[bytes]:
        """Find keys by a glob pattern; walks through all keys of all nodes, in small steps."""

        async def find() -> list[bytes]:
            return [key async for key in self._connected().scan_iter(match=pattern, count=1000)]

        found: list[bytes] = await self._repeated(find)
        return found

    async def close(self) -> None:
        """Close the connections."""
        if self._connection is not None:
            await close_connection(self._connection)
            self._connection = None

    def _connected(self) -> Connection:
        if self._connection is None:
            self._connection = open_connection(self._url, name=self._name, timeout_seconds=self._timeout_seconds)
        return self._connection

    async def _repeated(self, call: Callable[[], Awaitable[Any]]) -> Any:
        with ExitStack() as waiting:
            return await self._repeat(call, waiting)

    async def _repeat(self, call: Callable[[], Awaitable[Any]], waiting: ExitStack) -> Any:
        started = time.monotonic()
        tries = 0
        full = False
        while True:
            began = time.monotonic()
            self.calls += 1
            try:
                result = await call()
            except ERRORS as error:
                reason = outage(error)
                if reason is None or (is_mistake(error) and not self._last_success):
                    raise self._refused(error) from error
                tries += 1
                if reason != CODES["OOM"]:
                    self._failed(reason, began=began, tries=tries)
                elif not full:
                    full = True
                    waiting.enter_context(self._waiting_for_room())
                if reason == CODES["READONLY"]:
                    await self._reconnect()
                pause = random.uniform(0, min(LONGEST_BACKOFF_SECONDS, BACKOFF_SECONDS * 2**tries))  # noqa: S311
                if self._deadline_seconds is not None and time.monotonic() + pause - started > self._deadline_seconds:
                    raise BrokerError(f"{reason}; gave up after {self._deadline_seconds:g} s") from error
                await asyncio.sleep(pause)
            else:
                self._succeeded()
                return result

    async def _reconnect(self) -> None:
        """Drop connections to a server that was demoted under us: the next ones ask who is primary."""
        if isinstance(self._connection, RedisCluster):
            await self._connection.aclose()
        elif self._connection is not None:
            await self._connection.connection_pool.disconnect(inuse_connections=False)

    @contextmanager
    def _waiting_for_room(self) -> Iterator[None]:
        """Count a call that is refused for lack of memory, until it ends.

        Not as _failed does: a full Redis goes on to answer heartbeats and finished requests, which say nothing of room.
        """
        self._without_room += 1
        if self._without_room == 1:
            self._full_since = time.monotonic()
            logger.warning("Waiting: %s", CODES["OOM"])
            self._changed()
        try:
            yield
        finally:
            self._without_room -= 1
            if not self._without_room:
                waited = time.monotonic() - self._full_since
                logger.info("No call waits for room in Redis any more, after %.1f s", waited)
                self._changed()

    def _changed(self) -> None:
        if self._on_change:
            self._on_change()

    def _failed(self, reason: str, *, began: float, tries: int) -> None:
        # One connection that was cut is not an outage: the second try in a row is, unless others succeeded meanwhile.
        # So is one that waited in vain for longer than a moment: workers were late with their heartbeats meanwhile.
        long = tries > 1 or time.monotonic() - began > LONG_SECONDS
        if self._away_since is None and long and self._last_success < began:
            self._away_since = began
            self._well_since = None
            logger.warning("Redis is away, waiting: %s", reason)
        if self._away_since is not None and reason != self._away_reason:
            self._away_reason = reason
            self._changed()

    def _succeeded(self) -> None:
        self._last_success = time.monotonic()
        if self._well_since is None:
            self._well_since = self._last_success
        if self._away_since is not None:
            logger.info("Redis is back after %.1f s", self._last_success - self._away_since)
            self._away_since = None
            self._away_reason = ""
            self._changed()

    def _refused(self, error: Exception) -> Exception:
        text = " ".join(str(error).split()) or type(error).__name__
        if is_mistake(error):
            return UsageError("REDIS_URL", _without_password(self._url), f"a Redis that lets us in ({text})")
        reason = outage(error)
        return BrokerError(reason or f"Redis refused a command: {text}")


def _without_password(url: str) -> str:
    head, at, tail = url.rpartition("@")
    return f"{head.partition('://')[0]}://***@{tail}" if at else url
