"""What goes into the shared frontier and what comes back: frozen records, no Redis."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum

NAME = re.compile(r"[^\s/]+")  # a host or crawl as scripts can write it beside others and read it again


class CrawlState(StrEnum):
    """RUNNING and PAUSED crawls take requests; those of STOPPED and FINISHED crawls are dropped and counted."""

    RUNNING = "running"
    PAUSED = "paused"
    STOPPED = "stopped"
    FINISHED = "finished"


@dataclass(frozen=True, slots=True, kw_only=True)
class Push:
    """One request to enqueue.

    `fingerprint` is 16 bytes, or empty for a request that the filter neither checks nor remembers. With
    `dont_filter` a fingerprint is remembered and not checked, as start URLs need it. One with a `cause` is a dead
    letter at once, and needs no host.
    """

    crawl: str  # as NAME
    host: str  # as NAME; what politeness counts
    payload: bytes
    priority: int = 0  # higher is earlier; equal ones are first in, first out
    fingerprint: bytes = b""
    dont_filter: bool = False
    delay_ms: int = 0  # not before that many milliseconds from now
    cause: str = ""


class Pushed(IntEnum):
    """What became of a pushed request."""

    SEEN = 0  # the filter knows it
    QUEUED = 1
    DROPPED = 2  # its crawl is stopped or finished
    DEAD = 3  # it came with a cause
    REFUSED = 4  # its host or its crawl has had its pages


class Terms(StrEnum):
    """How a leased request may be sent."""

    OPEN = "open"  # at once, with a place at its host
    TIMED = "timed"  # at a moment, with a place
    LATE = "late"  # it has a place, but must take a turn: its own is over
    NONE = "none"  # it must take a turn and a place
    DOWN = "down"  # not at all: it is to fail


@dataclass(frozen=True, slots=True, kw_only=True)
class Leased:
    """A request that this worker holds until it finishes it, gives it back or is declared dead."""

    id: str
    token: str  # the number of the call that leased it; finish and nack must name it
    attempt: int  # 1 the first time
    crawl: str
    host: str
    priority: int
    payload: bytes
    terms: Terms = Terms.OPEN
    at: float = 0.0  # when it is TIMED: Unix seconds by the server's clock

    @property
    def has_place(self) -> bool:
        """Whether a place of its host is taken until it is answered."""
        return self.terms not in {Terms.NONE, Terms.DOWN}


@dataclass(frozen=True, slots=True, kw_only=True)
class Leases:
    """The answer to one lease call."""

    alive: bool  # False: the worker is not counted as alive and got nothing; it must renew (or join anew) first
    leases: tuple[Leased, ...]
    wait_ms: int | None  # until the next host is due, 0: now; None: nothing is queued or delayed
    at: float = 0.0  # the server's time, Unix seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Finish:
    """A request that is done; its counters are added to its crawl only if the lease still held."""

    id: str
    token: str
    counters: Mapping[str, int] = field(default_factory=dict)  # for example {"pages": 1, "images": 12}


@dataclass(frozen=True, slots=True, kw_only=True)
class Nack:
    """A request that is given back.

    `attempted=False` gives it back unharmed (a worker that leaves in order); `dead=True` sends it to the dead letters
    at once (a payload that no worker can read).
    """

    id: str
    token: str
    cause: str
    delay_ms: int = 0
    attempted: bool = True
    dead: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Released:
    """What a finish, nack, reap or leave call changed; leases that were not held are in none of the numbers."""

    finished: int = 0
    returned: int = 0  # back in the queue
    dead: int = 0  # moved to the dead letters
    ended: tuple[str, ...] = ()  # crawls whose last request this was
    more: bool = False  # the call was cut short at its limit: call again


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """A request that was given up."""

    id: str
    crawl: str
    host: str
    attempts: int
    at_ms: int  # Unix time by the server's clock
    cause: str
    payload: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """The numbers of a worker's last calls that Redis has answered; a Redis that has lower ones has lost history."""

    push: int = 0
    release: int = 0  # finish or nack


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerReport:
    """What a worker says of itself with every heartbeat."""

    host: str
    pid: int
    version: str
    rate: float = 0.0  # requests per second, lately
    counters: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerRecord:
    """A worker as the others see it."""

    id: str
    alive_ms: int  # time left until it counts as dead; negative: it does, and waits for the reaper
    leases: int
    report: WorkerReport | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Renewal:
    """The answer to a heartbeat."""

    alive: bool  # False: it was declared dead, or Redis has lost history; it must join under a new name
    states: Mapping[str, CrawlState]  # of the crawls that were asked for and are known
    ended: tuple[str, ...]  # crawls that ended and are not recorded in the catalog yet


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenRecord:
    """How full a crawl's filter is."""

    kind: str  # "bloom", "exact", or "" while nothing was remembered
    count: int
    layers: int
    bits: int  # of all layers
    error: float  # estimated rate of false positives now; 0 for the exact set


@dataclass(frozen=True, slots=True, kw_only=True)
class CrawlRecord:
    """A crawl as the frontier counts it; times are Unix milliseconds of the server's clock."""

    id: str
    state: CrawlState
    arguments: str  # what `open` was given, for the caller to read
    outstanding: int  # queued + delayed + leased
    counters: Mapping[str, int]  # queued (ever), seen, dropped, finished, retried, dead, and those of Finish
    created_ms: int
    started_ms: int
    ended_ms: int | None


class Claim(StrEnum):
    """The answer to a claim of an image URL."""

    YOURS = "yours"  # download it, then settle
    BUSY = "busy"  # another live worker is at it: ask again later
    DONE = "done"  # settled lately: see the result
    RESERVED = "reserved"  # the crawl's places are all taken by downloads in flight: ask again later
    FULL = "full"  # the crawl has max_images


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed:
    """One claim's answer."""

    claim: Claim
    result: str = ""  # what settle was given, when DONE


@dataclass(frozen=True, slots=True, kw_only=True)
class StartEntries:
    """Entries taken together; they stay with Redis until the batch is settled."""

    batch: str  # push them in ONE call with `batch=batch`, then settle
    entries: tuple[tuple[bytes, float], ...]  # raw entry and its score (0 unless from a sorted set)
