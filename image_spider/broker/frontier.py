"""The shared request queue: push, lease, finish, nack. One typed method per script.

Every method may be repeated after a lost reply: push and lease know the worker's last call by its number, finish
and nack find the lease gone. So a worker numbers its push calls and its lease calls 1, 2, 3 ..., has ONE of each under
way at a time, and repeats a call that was cancelled under the same number. A call that arrives late, after a higher
number, does nothing: else requests would be leased to a worker that never hears of them. Its finish and nack calls have
a third row of numbers: by these and those of its pushes a worker learns that a failover has lost history.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from image_spider.broker.bloom import layers
from image_spider.broker.client import Client
from image_spider.broker.records import (
    NAME,
    Answered,
    DeadLetter,
    Finish,
    Leased,
    Leases,
    Nack,
    Push,
    Pushed,
    Released,
    Terms,
)

NOTHING = Answered()  # yet
NO_SPARE: Mapping[str, int] = {}
PUSH_LIMIT = 1000  # requests of one push call; a script is atomic, so its length is everybody's latency
LEASE_LIMIT = 256  # leases of one call
RELEASE_LIMIT = 1000  # leases that one call finishes or gives back
REQUEUE_LIMIT = 100  # dead letters that one call looks at
_PUSHED = {ord(str(int(answer))): answer for answer in Pushed}


@dataclass(frozen=True, slots=True, kw_only=True)
class FrontierOptions:
    """What all workers of one frontier must agree on."""

    name: str  # broker.keys.frontier_name(SCHEDULER_QUEUE_KEY)
    lease_seconds: float = 30.0
    max_attempts: int = 3
    max_losses: int = 10  # of workers that died with a request: most of what such a worker held had no part in it
    seen_error_rate: float = 1e-4  # 0: an exact set
    seen_seconds: float | None = 3600.0  # how long the filter of a finished crawl is kept; None: for ever
    host_max_pages: int = 0  # that a crawl may ask one host for; 0: any number


class Frontier:
    """The requests of one spider on one Redis."""

    def __init__(self, *, client: Client, options: FrontierOptions) -> None:
        self._client = client
        self._name = options.name
        self._max_attempts = options.max_attempts
        self._host_max_pages = options.host_max_pages
        self._layers = ";".join(
            f"{layer.bits} {layer.hashes} {layer.capacity}" for layer in layers(options.seen_error_rate)
        )
        self._keep_ms = -1 if options.seen_seconds is None else int(options.seen_seconds * 1000)

    async def push(
        self,
        *,
        worker: str,
        call: int,
        requests: Sequence[Push],
        reopen: bool = False,
        batch: str = "",
        answered: Answered = NOTHING,
    ) -> tuple[Pushed, ...] | None:
        """Check and enqueue up to PUSH_LIMIT requests in one step; return what became of each, in order.

        `reopen` makes a finished crawl run again instead of dropping its requests. A `batch` that any worker
        pushed within the last hour is not pushed again (an empty result): start URLs that were taken twice. None:
        nothing was pushed, for Redis does not know the calls that this worker has `answered`; it must join anew first.
        Raises ValueError for a host or crawl that is no NAME.
        """
        _check(requests, PUSH_LIMIT)
        if not requests:
            return ()
        arguments: list[Any] = []
        for request in requests:
            arguments += _push_arguments(request)
        numbers = (answered.push, answered.release, self._host_max_pages)
        header = (worker, call, int(reopen), batch, self._layers, self._keep_ms, *numbers)
        reply: bytes = await self._client.script("push", self._name, *header, *arguments)
        if reply == b"forgot":
            return None
        return tuple(_PUSHED[digit] for digit in reply)

    async def lease(
        self,
        *,
        worker: str,
        call: int,
        count: int,
        host_delay_ms: float,
        host_concurrency: int,
        spare: Mapping[str, int] = NO_SPARE,
    ) -> Leases:
        """Take up to `count` (at most LEASE_LIMIT) requests of hosts whose time has come.

        A host gives one request per `host_delay_ms` and has at most `host_concurrency` requests in flight over all
        workers, images included; without a delay it may give several at once. What `Hosts.tell` wrote of a host counts
        instead. The crawls of a host take turns. `spare` names hosts at which the worker has turns and places of its
        own, and how many requests it would send by them.
        """
        _check(range(count), LEASE_LIMIT)
        own = [word for host, number in spare.items() for word in (host, number)]
        alive, wait_ms, at, *found = await self._client.script(
            "lease", self._name, worker, call, count, host_delay_ms, host_concurrency, *own
        )
        token = str(call)
        rows = zip(found[::4], found[1::4], found[2::4], found[3::4], strict=True)
        leases = tuple(_leased(id_, token, attempt, value, terms) for id_, attempt, value, terms in rows)
        return Leases(alive=bool(alive), leases=leases, wait_ms=None if wait_ms < 0 else wait_ms, at=at / 1e6)

    async def answered(self, *, worker: str, leases: Sequence[Leased]) -> None:
        """Free the hosts' places of requests that their servers have answered; they are finished later.

        Without it a host would wait for pages to be read and their images to be stored.
        """
        _check(leases, RELEASE_LIMIT)
        if leases:
            words = (word for leased in leases for word in (leased.id, leased.token))
            await self._client.script("answered", self._name, worker, *words)

    async def finish(
        self, *, worker: str, finishes: Sequence[Finish], call: int = 0, answered: Answered = NOTHING
    ) -> Released:
        """Forget requests that are done. A lease that is not this worker's any more is left alone.

        Nothing is forgotten by a Redis that does not know the calls whose answers the worker has: a replica that was
        promoted without the latest moments may miss the links of these pages.
        """
        _check(finishes, RELEASE_LIMIT)
        if not finishes:
            return Released()
        arguments: list[str] = []
        for one in finishes:
            counters = " ".join(f"{name} {amount}" for name, amount in one.counters.items())
            arguments += (one.id, one.token, counters)
        return released(
            await self._client.script("finish", self._name, worker, call, answered.push, answered.release, *arguments)
        )

    async def nack(
        self, *, worker: str, nacks: Sequence[Nack], call: int = 0, answered: Answered = NOTHING
    ) -> Released:
        """Give requests back; after max_attempts attempts they go to the dead letters with their cause."""
        _check(nacks, RELEASE_LIMIT)
        arguments: list[Any] = []
        for one in nacks:
            mode = "dead" if one.dead else "attempted" if one.attempted else "unharmed"
            arguments += (one.id, one.token, one.cause, one.delay_ms, mode)
        header = (worker, call, answered.push, answered.release, self._max_attempts)
        return released(await self._client.script("nack", self._name, *header, *arguments))

    async def dead_letters(self, *, first: int = 0, count: int = 100) -> tuple[DeadLetter, ...]:
        """Return dead letters, newest first; the latest 10,000 are kept."""
        rows = await self._client.command("LRANGE", f"{self._name}:dead", first, first + count - 1)
        return tuple(map(_dead_letter, rows))

    async def requeue_dead(self, *, crawl: str) -> int:
        """Put the dead letters of a crawl back into the queue, at priority 0 and with no attempt; return how many.

        A crawl that is over runs again. Letters without a usable host stay. A repeated call finds what is left.
        """
        passed = queued = 0
        letters = await self._client.command("LLEN", f"{self._name}:dead")  # not those that die again meanwhile
        while passed + queued < letters:
            step = await self._client.script("requeue", self._name, crawl, passed, REQUEUE_LIMIT)
            if not any(step):
                break
            passed, queued = passed + step[0], queued + step[1]
        return queued

    async def empty(self) -> None:
        """Delete every key of the frontier, in small steps, for SCHEDULER_FLUSH_ON_START.

        Not atomic: no worker may be alive.
        """
        pattern = re.sub(r"([*?\[\]\\])", r"\\\1", self._name) + ":*"
        for key in await self._client.keys(pattern):
            await self._client.command("UNLINK", key)


def pairs(rows: Sequence[Any]) -> Iterator[tuple[Any, Any]]:
    """Read the flat answer of HGETALL and of WITHSCORES."""
    return zip(rows[::2], rows[1::2], strict=True)


def released(reply: Sequence[Any]) -> Released:
    """Read the answer of the scripts that end leases."""
    finished, returned, dead, more, ended = reply
    return Released(
        finished=finished,
        returned=returned,
        dead=dead,
        more=bool(more),
        ended=tuple(crawl.decode() for crawl in ended),
    )


def _check(rows: Sequence[object], limit: int) -> None:
    if len(rows) > limit:
        raise ValueError(f"{len(rows)} in one call; at most {limit}, for all wait meanwhile")


def _push_arguments(request: Push) -> tuple[Any, ...]:
    """Return what push.lua takes for one request."""
    has_host = NAME.fullmatch(request.host) or (request.cause and not request.host)
    if not has_host or not NAME.fullmatch(request.crawl):
        raise ValueError(f"host {request.host!r} or crawl {request.crawl!r} is empty or has a space or slash")
    value = f"{request.host}\n{request.crawl}\n{request.priority}\n".encode() + request.payload
    if request.cause:
        return request.crawl, request.host, 0, -1, request.cause, value
    fingerprint = b"+" + request.fingerprint if request.dont_filter and request.fingerprint else request.fingerprint
    return request.crawl, request.host, -request.priority, request.delay_ms, fingerprint, value


def _leased(id_: bytes, token: str, attempt: int, value: bytes, terms: bytes) -> Leased:
    timed = terms[:1].isdigit()
    host, crawl, priority, payload = value.split(b"\n", 3)
    return Leased(
        id=id_.decode(),
        token=token,
        attempt=attempt,
        crawl=crawl.decode(),
        host=host.decode(),
        priority=int(priority),
        payload=payload,
        terms=Terms.TIMED if timed else Terms(terms.decode() or Terms.OPEN),
        at=float(terms) / 1000 if timed else 0.0,
    )


def _dead_letter(value: bytes) -> DeadLetter:
    id_, crawl, host, attempts, at_ms, cause, payload = value.split(b"\n", 6)
    return DeadLetter(
        id=id_.decode(),
        crawl=crawl.decode(),
        host=host.decode(),
        attempts=int(attempts),
        at_ms=int(at_ms),
        cause=cause.decode(),
        payload=payload,
    )
