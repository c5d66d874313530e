"""Those of this process who wait for one host, and the turns and places that they may use."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from image_spider.politeness.asks import Ask, Grant
from image_spider.politeness.spacing import places_needed, tolerance

if TYPE_CHECKING:
    from scrapy import Request

LEAD_SECONDS = 0.1  # before the last turn in stock is due, the next ones are asked for
MOST_TURNS = 64  # of one ask: what a worker that is killed takes along
LINGER_SECONDS, LINGER_DELAYS = 0.3, 10  # a place that nobody needs is kept so long: images come in handfuls
SHORTEST_LINGER_SECONDS, LONGEST_LINGER_SECONDS = 0.05, 2.0
HOLD_SECONDS = 5.0  # a place for which others wait is kept so long, and until the stock is used up
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.02, 1.0  # between two asks for a place, doubled each time
LONGEST_WAIT_SECONDS = 30.0  # for a host that is closed: it may be open earlier than it was told
SMOOTHING = 0.125  # of the newest in the smoothed: SRTT's alpha, RFC 6298, 2
FAR_SECONDS = 10.0  # a page whose turn is further away goes: it has one of the engine's 16 places ...
EARLY_SECONDS = 5.0  # ... and comes back so long before its turn, for which it waits here
UNBOUNDED = 1_000_000
SLOWER = 1.01  # times the delay before


@dataclass(slots=True, kw_only=True, eq=False)
class Waiter:
    """One request that waits; its future's result is the moment of its turn by time.monotonic(), None for any."""

    future: asyncio.Future[float | None]
    request: Request
    image: bool  # it waits outside the engine
    seated: bool  # it has a place
    epoch: int = 0  # of the line, when it was let go


@dataclass(slots=True, kw_only=True)
class Line:
    """One host as this process sees it. Seconds: `delay` between two turns, `lasting` of a request, smoothed."""

    host: str
    delay: float
    lasting: float = 0.0
    first: deque[Waiter] = field(default_factory=deque)  # images, robots.txt: before pages, of which they come
    pages: deque[Waiter] = field(default_factory=deque)
    stock: deque[float] = field(default_factory=deque)  # moments of turns
    places: int = 0
    in_use: int = 0
    epoch: int = 0  # grows when all places are lost: those that were had before are not to be given back
    lost: int = 0  # turns that were late or that nobody needed
    untold: bool = False  # the keeper may believe that more places are held than are
    others: bool = False  # other workers wait for a place
    not_before: float = 0.0  # when asking again makes sense
    closed_until: float = 0.0  # when the host may be asked again
    most: int = UNBOUNDED  # at the same time, by the host's state: one, while its breaker is half-open
    promised: float = 0.0  # the turn for which the last of the pages that went will be back
    _refusals: int = 0
    _held_since: float = 0.0
    _idle_since: float | None = None

    def __len__(self) -> int:
        """Return how many wait."""
        return len(self.first) + len(self.pages)

    @property
    def seated(self) -> int:
        """How many wait that have a place; they stand before the others."""
        count = 0
        for waiter in self.first:
            if not waiter.seated:
                break
            count += 1
        return count

    @property
    def unused(self) -> bool:
        """Whether nothing is known here that the next request could need."""
        known = self.stock or self.places or self.in_use or self.untold or self.promised
        return not (self.first or self.pages or known)

    def forget(self) -> None:
        """Be without turns and places, as a worker that was declared dead is: it has another name now."""
        self.stock.clear()
        self.untold = False
        self.places = self.in_use = 0
        self.epoch += 1
        self.others = False
        self.not_before = 0.0

    def told(self, *, delay: float, closed: float, most: int) -> None:
        """Follow what is told of the host: the next grant may be far away, and without a delay none is needed."""
        if delay > SLOWER * self.delay or closed > self.closed_until:
            self.stock.clear()
        if closed < self.closed_until:
            self.not_before = 0.0  # it is open earlier than it was told
        self.delay, self.closed_until, self.most = delay, closed, most

    def freed(self, seconds: float | None) -> None:
        """Have a place back that was used for so long; None: its request was not sent."""
        self.in_use -= 1
        if seconds is not None:
            self.lasting += SMOOTHING * (seconds - self.lasting) if self.lasting else seconds

    # Who may go

    def next(self, now: float) -> tuple[Waiter, float | None] | None:
        """Take the next one that may go now out of the line, with the moment of its turn. It has a place now."""
        waiter = self._admissible(now)
        if waiter is None:
            return None
        moment = None
        if self.delay > 0:
            self._drop_late(now)
            if not self.stock or self.stock[0] > now:
                return None
            moment = self.stock.popleft()
        self.remove(waiter)
        waiter.epoch = self.epoch
        if not waiter.seated:
            self.in_use += 1
        return waiter, moment

    def add(self, waiter: Waiter, *, first: bool) -> None:
        """Put one at the end of the line; one that has a place goes before all, for it keeps the place from others."""
        if waiter.seated:
            self.first.appendleft(waiter)
        else:
            (self.first if first else self.pages).append(waiter)

    def remove(self, waiter: Waiter) -> bool:
        """Take one out of the line; tell whether it stood there."""
        for waiters in (self.first, self.pages):
            if waiter in waiters:
                waiters.remove(waiter)
                return True
        return False

    def too_far(self, now: float) -> list[tuple[Waiter, float]]:
        """Return the pages whose turns are known to be far away, and for how many seconds each should be away.

        They come back a delay apart, for else all would come for the next turn, and all but one go again.
        """
        if self.delay <= 0 or not self.stock:
            return []
        far = []
        for number, waiter in enumerate(self.pages, len(self.first)):
            beyond = max(0, number + 1 - len(self.stock))
            moment = self.stock[min(number, len(self.stock) - 1)] + beyond * self.delay
            if moment > now + FAR_SECONDS and not waiter.future.done():
                self.promised = max(moment, self.promised + self.delay)
                far.append((waiter, self.promised - now - EARLY_SECONDS))
        return far

    def due(self, now: float) -> float | None:
        """Return when the next one may go; None: not before something else happens."""
        if now < self.closed_until:
            return self.closed_until if len(self) else None
        if self._admissible(now) is None:
            return None
        return self.stock[0] if self.stock else None

    def _admissible(self, now: float) -> Waiter | None:
        if now < self.closed_until:
            return None
        free = min(self.places, self.most) > self.in_use and not self._gives_up(now)
        for waiters in (self.first, self.pages):
            for waiter in waiters:
                if not free and not waiter.seated:
                    return None  # those that have a place stand before the others
                if not waiter.future.done():
                    return waiter
        return None

    def _drop_late(self, now: float) -> None:
        latest = now - tolerance(self.delay)
        while self.stock and self.stock[0] < latest:
            self.stock.popleft()
            self.lost += 1

    def _gives_up(self, now: float) -> bool:
        """Tell whether others should have the place now."""
        return not self.stock and self._has_held_long(now)

    def _has_held_long(self, now: float) -> bool:
        return self.others and self.places > 0 and now - self._held_since >= HOLD_SECONDS

    # What to ask for

    def ask(self, now: float) -> tuple[Ask | None, float]:
        """Return what to ask for now, and when to look again unless something happens before."""
        self._drop_late(now)
        if self.promised < now:
            self.promised = 0.0
        unseated = len(self) - self.seated
        held, later = self._held(now, unseated)
        surplus = held < self.places
        earliest = max(self.not_before, self.closed_until)
        if now < earliest and not surplus:
            return None, earliest
        more = max(0, self._wanted(unseated) - held) if held == self.places or held == 0 else 0
        turns, look = self._turns(now, unseated, held)
        blocked = unseated and self.in_use >= held
        if now < earliest:
            more = turns = 0
        if not (surplus or turns or (blocked and more) or self.untold):
            return None, min(later, look, max(earliest, now + LONGEST_PAUSE_SECONDS))
        self.places = held  # what is given back must not be used while the call is under way ...
        self.untold = True  # ... and is told again should the call come to nothing
        seated = len(self) > unseated
        return Ask(host=self.host, turns=turns, held=held, more=more, seated=seated), now + LONGEST_PAUSE_SECONDS

    def granted(self, ask: Ask, grant: Grant, first: float, now: float) -> None:
        """Note what was granted; `first` is the moment of the first turn by time.monotonic()."""
        if grant.delay > SLOWER * self.delay:
            self.stock.clear()  # they are as near to each other as they might be before
        self.delay = grant.delay
        self.stock.extend(first + number * grant.delay for number in range(grant.turns))
        if grant.places and not ask.held:
            self._held_since = now
        self.places = ask.held + grant.places
        self.untold = False
        self.others = grant.others > 0
        self._refusals = self._refusals + 1 if ask.more and not grant.places else 0
        pause = FIRST_PAUSE_SECONDS * 2 ** min(self._refusals, 8) if self._refusals else 0.0
        self.not_before = now + max(min(grant.wait, LONGEST_WAIT_SECONDS), min(pause, LONGEST_PAUSE_SECONDS))

    def _held(self, now: float, unseated: int) -> tuple[int, float]:
        """Return how many places to keep, and when that may be less."""
        wanted = self._wanted(unseated)
        if self._gives_up(now) or now < self.closed_until:
            return self.in_use, now + LONGEST_PAUSE_SECONDS
        if self.others and wanted < self.places:
            return max(self.in_use, wanted), now + LONGEST_PAUSE_SECONDS
        if wanted >= self.places:
            self._idle_since = None
            return self.places, now + LONGEST_PAUSE_SECONDS
        self._idle_since = now if self._idle_since is None else self._idle_since
        if now < self._idle_since + self._linger:
            return self.places, self._idle_since + self._linger
        return max(self.in_use, wanted), now + LONGEST_PAUSE_SECONDS

    @property
    def _linger(self) -> float:
        """For how long to keep a place that is not needed: hardly at all where places are scarce."""
        if 0 < self.delay < self.lasting:
            return SHORTEST_LINGER_SECONDS
        return max(LINGER_SECONDS, min(LONGEST_LINGER_SECONDS, LINGER_DELAYS * self.delay))

    def _wanted(self, unseated: int) -> int:
        """Return how many places could be used: with a delay, as many as answers take time."""
        wanted = self.in_use + unseated
        if self.others:
            return min(wanted, 1)
        if self.delay > 0:
            wanted = min(wanted, places_needed(self.lasting, self.delay))
        return wanted

    def _turns(self, now: float, unseated: int, held: int) -> tuple[int, float]:
        """Return how many turns to ask for, and when that may be more."""
        if self.delay <= 0 or (held and self._has_held_long(now)):
            return 0, now + LONGEST_PAUSE_SECONDS
        if self.stock and self.stock[-1] - LEAD_SECONDS > now:
            return 0, self.stock[-1] - LEAD_SECONDS
        wanted = len(self) - len(self.stock)
        places = max(1, held)
        if self.lasting > places * self.delay:  # the places bound the pace: more turns would be missed
            free = max(0, places - self.in_use)
            wanted = min(wanted, free + len(self) - unseated - len(self.stock))
        return max(0, min(MOST_TURNS, wanted)), now + LONGEST_PAUSE_SECONDS
