"""The right to send one request to a host."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from scrapy.utils.httpobj import urlparse_cached

from image_spider.politeness.line import Line

if TYPE_CHECKING:
    from scrapy import Request

TURN = "turn"  # in meta, from where a turn is taken to the middleware; nothing that is written down has it
# In meta of a robots.txt, its host: there it goes on the place of the request that waits for it, the only one maybe.
RIDES = "rides"


@dataclass(slots=True, eq=False)
class Turn:
    """The right to send one request to a host, with a place there."""

    host: str
    moment: float | None  # by time.monotonic(); None: any
    line: Line | None = None  # where its place is from; None: it has none, or it is a lease's
    seated: bool = True  # it has a place
    timed: bool = True  # it has a turn
    down: bool = False  # the request is to fail at once
    epoch: int = 0  # of the line's places
    began: float = 0.0  # when its request was sent, time.monotonic(); 0: it was not


def ahead_of(request: Request) -> dict[str, Any]:
    """Return the meta of a request that must go before this one: by its place and its turn; it takes another turn."""
    rides = {RIDES: urlparse_cached(request).hostname or ""}
    turn: Turn | None = request.meta.get(TURN)
    if turn is None or not turn.timed:
        return rides
    turn.timed = False
    return {**rides, TURN: Turn(turn.host, turn.moment)}
