"""Turns: when a request may be sent to its host, by the one budget that pages, images and all workers share."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable, Coroutine
from typing import Any

from scrapy import Request
from scrapy.http.request import NO_CALLBACK
from scrapy.utils.httpobj import urlparse_cached

from image_spider.politeness.asker import Asker
from image_spider.politeness.asks import BudgetKeeper
from image_spider.politeness.host_down import HostClosed, HostDown
from image_spider.politeness.line import Line, Waiter
from image_spider.politeness.spacing import tolerance
from image_spider.politeness.states import HostStates
from image_spider.politeness.turn import RIDES, TURN, Turn
from image_spider.unfinished import Halted

ROUNDING_SECONDS = 0.005  # of times in milliseconds, and of the clock
HALTED = "its crawl is paused or stopped, or the worker ends"
PAGES_AHEAD = 4  # pages of a host that may wait for turns which its images do not need ...
MOST_PAGES_AHEAD = 8  # ... and of all hosts: each keeps one of the 16 places of the engine
SOON_SECONDS = 2.0  # the images of such a host will be done in that time
LONG_SECONDS = 1.0  # nothing keeps a place of the engine for a host that is closed for longer
FAR_SECONDS = 30.0  # and no image its page, which is read again: that costs one request more
COMING_SECONDS = 1.0  # from a lease to the middleware, at the most


class Turns:
    """Who waits, in this process; what they may, the keeper says.

    A turn that is missed by more than the tolerance is thrown away and another one taken: requests that are late next
    to punctual ones are what exceeds a limit.
    """

    def __init__(
        self,
        *,
        keeper: BudgetKeeper,
        states: HostStates,
        delay: float,
        ending: Callable[[], bool],
        in_fleet: bool,
        run: Callable[[Coroutine[Any, Any, object]], object],
        count: Callable[[str], None],
    ) -> None:
        self._states = states
        self._ending = ending
        self._in_fleet = in_fleet  # its worker takes back what waits when it ends, with the leases
        self._count = count  # in the stats
        self._lines = Asker(keeper=keeper, states=states, delay=delay, run=run, count=count)
        self._lines.granted = self._dispatch
        self._lines.look = self._look
        self._timed: dict[asyncio.Future[None], Request] = {}  # requests of leases that wait for their moment
        self._coming: dict[str, list[float]] = {}
        self._alarms: dict[str, asyncio.TimerHandle] = {}
        states.listen(self._state_changed)

    # What a request needs

    async def take(self, request: Request, *, image: bool = False) -> Turn:
        """Return when the request may be sent, with its place; raises Halted, HostDown, and HostClosed."""
        turn = await self._wait(Turn(_host(request), None, seated=False, timed=False), request, image=image)
        request.meta[TURN] = turn
        return turn

    async def begin(self, request: Request) -> Turn:
        """Return at the moment when the request is to be sent, be its turn a lease's, taken before, or none yet.

        Raises Halted when its crawl is halted meanwhile, HostDown when the host is not asked at all, and HostClosed
        when it is not for some time, or others come first for long: the request has a place of the downloader, which
        is not for waiting.
        """
        host = _host(request)
        turn: Turn | None = request.meta.pop(TURN, None)
        if turn is None or turn.host != host:
            turn = Turn(host, None, seated=request.meta.get(RIDES) == host, timed=False)
            if request.callback is not NO_CALLBACK and (coming := self._coming.get(host)):
                coming.pop()
        turn = await self._wait(turn, request, image=False)
        turn.began = time.monotonic()
        return turn

    def end(self, turn: Turn) -> None:
        """Give the place of a turn back; what has none, or has done so, is left alone."""
        line, turn.line = turn.line, None
        if line is not None and turn.epoch == line.epoch:
            line.freed(time.monotonic() - turn.began if turn.began else None)
            self._dispatch(line)
            self._lines.wake()

    def drop(self, request: Request) -> None:
        """Give back what a request has taken that will not be sent."""
        if turn := request.meta.pop(TURN, None):
            self.end(turn)

    def take_back(self, crawl_id: str | None) -> list[Request]:
        """Let those of a crawl, or all, wait no longer: they fail with Halted; return their requests."""
        halted = []
        for line in self._lines:
            halted += self._halt(line, lambda waiter: _is_of(waiter.request, crawl_id))
        for future, request in tuple(self._timed.items()):
            if _is_of(request, crawl_id) and _fail(future, Halted(HALTED)):
                halted.append(request)
        return halted

    # What a worker of a fleet tells

    def spare(self) -> dict[str, int]:
        """Return hosts at which pages could use turns and places that this worker has, and how many."""
        oldest = time.monotonic() - COMING_SECONDS
        lately = {host: [at for at in moments if at > oldest] for host, moments in self._coming.items()}
        self._coming = {host: moments for host, moments in lately.items() if moments}
        room = MOST_PAGES_AHEAD - sum(map(len, self._coming.values())) - sum(len(line.pages) for line in self._lines)
        spare = {}
        for line in self._lines:
            if line.delay > 0 and line.places and line.stock and len(line.first) * line.delay < SOON_SECONDS:
                here = len(line.pages) + len(self._coming.get(line.host, ()))
                if (count := min(PAGES_AHEAD - here, len(line.stock), room)) > 0:
                    spare[line.host] = count
                    room -= count
        return spare

    def leased(self, request: Request, turn: Turn | None) -> None:
        """Let a page have the turn of its lease; None: it was leased for what `spare` told, and stands in line."""
        if turn:
            request.meta[TURN] = turn
        else:
            self._coming.setdefault(_host(request), []).append(time.monotonic())

    def forget(self) -> None:
        """Be without turns and places: this worker was declared dead."""
        self._lines.forget()

    # Waiting

    async def _wait(self, turn: Turn, request: Request, *, image: bool) -> Turn:
        try:
            while True:
                if turn.down:
                    raise HostDown(turn.host, self._states.state(turn.host).reason)
                if self._ending() and not self._in_fleet:
                    raise Halted(HALTED)
                if error := self._refusal(turn.host, patience(request, image=image)):
                    raise error
                if turn.seated and turn.timed and not self._is_closed(turn.host, turn.moment):
                    if turn.moment is None or await self._punctual(turn.host, turn.moment, request):
                        return turn
                    self._count("politeness/turns_late")
                    turn.timed = False
                await self._stand_in_line(turn, request, image=image)
        except BaseException:
            self.end(turn)
            raise

    def _is_closed(self, host: str, moment: float | None) -> bool:
        """Tell whether the host is closed at the moment of a turn; None: now."""
        closed = self._lines.closed_for(host)
        return closed > 0 and (moment is None or moment < time.monotonic() + closed - ROUNDING_SECONDS)

    async def _punctual(self, host: str, moment: float, request: Request) -> bool:
        """Wait for the moment of a turn; tell whether it is not over by too much."""
        ahead = moment - time.monotonic()
        if ahead > 0:
            over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            alarm = asyncio.get_running_loop().call_later(ahead, _resolve, over)
            self._timed[over] = request
            try:
                await over
            finally:
                alarm.cancel()
                del self._timed[over]
        line = self._lines.known(host)
        return time.monotonic() - moment <= tolerance(line.delay if line else self._states.state(host).delay)

    async def _stand_in_line(self, turn: Turn, request: Request, *, image: bool) -> None:
        line = self._lines.line(turn.host)
        future: asyncio.Future[float | None] = asyncio.get_running_loop().create_future()
        waiter = Waiter(future=future, request=request, image=image, seated=turn.seated)
        line.add(waiter, first=image or request.callback is NO_CALLBACK)
        self._dispatch(line)
        self._lines.wake()
        try:
            turn.moment = await future
        except BaseException:
            if not line.remove(waiter) and not future.cancelled() and not future.exception():
                _seat(turn, line, waiter)  # cancelled in the very moment when it might go
            raise
        turn.timed = True
        _seat(turn, line, waiter)

    def _dispatch(self, line: Line) -> None:
        """Let those go who may, and come back when the next one may."""
        now = time.monotonic()
        while found := line.next(now):
            waiter, moment = found
            waiter.future.set_result(moment)
        if alarm := self._alarms.pop(line.host, None):
            alarm.cancel()
        if (due := line.due(now)) is not None:
            loop = asyncio.get_running_loop()
            self._alarms[line.host] = loop.call_later(max(0.0, due - now), self._dispatch, line)
        for waiter, seconds in line.too_far(now):
            self._turn_away(line, waiter, HostClosed(line.host, seconds))

    def _halt(self, line: Line, wanted: Callable[[Waiter], bool]) -> list[Request]:
        halted = [waiter for waiter in (*line.first, *line.pages) if wanted(waiter)]
        for waiter in halted:
            self._turn_away(line, waiter, Halted(HALTED))
        return [waiter.request for waiter in halted]

    def _look(self) -> None:
        if not self._ending():
            return
        if not self._in_fleet:
            self.take_back(None)
        for line in self._lines:
            self._halt(line, lambda waiter: waiter.image)

    def _state_changed(self, host: str) -> None:
        """Apply at once what is told of a host."""
        line = self._lines.known(host)
        if line is None:
            return
        self._lines.tell(line)
        for waiter in (*line.first, *line.pages):
            if error := self._refusal(host, patience(waiter.request, image=waiter.image)):
                self._turn_away(line, waiter, error)
        self._dispatch(line)
        self._lines.wake()

    def _refusal(self, host: str, patience: float) -> HostDown | HostClosed | None:
        """Return why a request is not to wait that would do so for some seconds."""
        if self._states.is_down(host):
            return HostDown(host, self._states.state(host).reason)
        closed = self._lines.closed_for(host)
        return HostClosed(host, closed) if closed > patience else None

    def _turn_away(self, line: Line, waiter: Waiter, error: Exception) -> None:
        line.remove(waiter)
        _fail(waiter.future, error)


def patience(request: Request, *, image: bool) -> float:
    """Return the seconds for which a request waits here while its host is closed.

    An image that was tried before waits for ever: were its page read again, its retries would not be counted. Few do so
    at a time, no more than a host has places.
    """
    if not image:
        return LONG_SECONDS
    return math.inf if request.meta.get("retry_times") else FAR_SECONDS


def _seat(turn: Turn, line: Line, waiter: Waiter) -> None:
    if not turn.seated:
        turn.line, turn.seated, turn.epoch = line, True, waiter.epoch


def _host(request: Request) -> str:
    return urlparse_cached(request).hostname or ""


def _is_of(request: Request, crawl_id: str | None) -> bool:
    return crawl_id is None or request.meta.get("crawl_id") == crawl_id


def _resolve(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


def _fail(future: asyncio.Future[Any], error: Exception) -> bool:
    if future.done():
        return False
    future.set_exception(error)
    return True
