"""What the robots.txt of hosts say, and what may be sent when one cannot be had: RFC 9309, 2.3.1 and 2.4."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from scrapy.utils.datatypes import LocalCache

from image_spider import causes
from image_spider.items import Failure
from image_spider.politeness.host_down import HostClosed
from image_spider.politeness.observation import NO_ANSWER
from image_spider.refusals import RefusedRequest

if TYPE_CHECKING:
    from scrapy.robotstxt import RobotParser

    from image_spider.politeness.rules import Rules

READ_SECONDS = 24 * 3600.0  # 2.4: none is used for longer than a day, unless it cannot be reached
LAST_SECONDS = 2 * READ_SECONDS  # then for a day more: a decision
AGAIN_SECONDS = 300.0  # until one is asked for again for which an older one stands, or that is refused for good
HOSTS = 10_000  # whose troubles are remembered
MOST_BYTES = 32 * 1024 * 1024  # of the bodies that are remembered, read
ENTRY_BYTES = 2048  # that each counts beside its body: 16,000 hosts without a robots.txt
OWN_CAUSES = NO_ANSWER | {causes.BLOCKED_ADDRESS, causes.BAD_URL}  # a page would fail likewise; all else is `robots`
PASSING = NO_ANSWER | {causes.STATUS, causes.DATA_LOSS}  # may be over another time


class Verdict(StrEnum):
    """READ: its rules hold. FREE: there is none, all is allowed. UNREACHABLE: nothing is."""

    READ = "read"
    FREE = "free"
    UNREACHABLE = "unreachable"


class RobotsUnreachable(RefusedRequest):
    """A robots.txt cannot be had, so nothing of its host is asked for; cause: that of its failure, or robots."""

    def __init__(self, failure: Failure) -> None:
        cause = failure.cause if failure.cause in OWN_CAUSES else causes.ROBOTS
        super().__init__(cause, f"robots.txt unreachable: {failure.detail}")


@dataclass(frozen=True, slots=True)
class Robots:
    """A robots.txt that was read; without a parser there was none. Times are time.monotonic()."""

    parser: RobotParser | None
    size: int  # bytes of the body
    read_at: float
    until: float  # then it is asked for anew


@dataclass(frozen=True, slots=True)
class Trouble:
    """A robots.txt that could not be had, in so many rounds."""

    failure: Failure
    rounds: int
    until: float  # nobody asks before; time.monotonic()
    over: bool  # what waits for it fails


def verdict_of(status: int, *, proxied: bool) -> Verdict:
    """Return what the last answer to a request for a robots.txt means.

    429 tells that the host is busy, and 407 is a proxy's; a redirect that leads nowhere counts as none (2.3.1.2).
    """
    if 200 <= status < 300:
        return Verdict.READ
    if status >= 500 or status == 429 or (status == 407 and proxied):
        return Verdict.UNREACHABLE
    return Verdict.FREE


class RobotsBook:
    """Remembers the robots.txt that were used last, up to MOST_BYTES, and those that could not be had.

    Such a one is asked for again in `rounds` more rounds, each twice as long after the one before as a retry may be;
    meanwhile its host is closed. When they are over, each request for the host asks once and fails: the breaker of the
    host bounds them.
    """

    def __init__(self, *, rounds: int, rules: Rules, now: Callable[[], float] = time.monotonic) -> None:
        self._rounds = rounds
        self._rules = rules
        self._now = now
        self._read: OrderedDict[str, Robots] = OrderedDict()  # the one that was used last comes last
        self._bytes = 0
        self._troubles: LocalCache[str, Trouble] = LocalCache(limit=HOSTS)

    def get(self, host: str) -> Robots | None:
        """Return the robots.txt of a host; None: it is to be asked for. Raises HostClosed and RobotsUnreachable."""
        now = self._now()
        if robots := self._read.get(host):
            self._read.move_to_end(host)
            if now < robots.until:
                return robots
        trouble = self._troubles.get(host)
        if trouble and now < trouble.until:
            raise self._refusal(host, trouble, now)
        return None

    def troubled(self, host: str) -> bool:
        """Tell whether the last request for a robots.txt failed not long ago."""
        trouble = self._troubles.get(host)
        return trouble is not None and self._now() < trouble.until + AGAIN_SECONDS

    def put(self, host: str, parser: RobotParser | None, *, size: int = 0) -> Robots:
        """Remember what was read, or that there was nothing to read, and forget what was not used for longest."""
        now = self._now()
        robots = Robots(parser, size, now, now + READ_SECONDS)
        if old := self._read.pop(host, None):
            self._bytes -= old.size + ENTRY_BYTES
        self._read[host] = robots
        self._bytes += size + ENTRY_BYTES
        while self._bytes > MOST_BYTES:
            _, old = self._read.popitem(last=False)
            self._bytes -= old.size + ENTRY_BYTES
        self._troubles.pop(host, None)
        return robots

    def failed(self, host: str, failure: Failure) -> Robots:
        """Return an older robots.txt that stands in; raises HostClosed, and RobotsUnreachable when it is over."""
        now = self._now()
        old = self._read.get(host)
        if old and now < old.read_at + LAST_SECONDS:
            self._read[host] = old = replace(old, until=now + AGAIN_SECONDS)
            return old
        rounds = self._troubles[host].rounds + 1 if self.troubled(host) else 1
        if failure.cause not in PASSING:
            trouble = Trouble(failure, rounds, now + AGAIN_SECONDS, over=True)
        elif rounds > self._rounds:
            trouble = Trouble(failure, rounds, now, over=True)
        else:
            wait = min(self._rules.longest_wait, self._rules.first_wait * 2.0 ** min(rounds, 30))
            trouble = Trouble(failure, rounds, now + wait, over=False)
        self._troubles[host] = trouble
        raise self._refusal(host, trouble, now)

    def _refusal(self, host: str, trouble: Trouble, now: float) -> HostClosed | RobotsUnreachable:
        return RobotsUnreachable(trouble.failure) if trouble.over else HostClosed(host, trouble.until - now)
