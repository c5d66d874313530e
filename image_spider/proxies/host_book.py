"""What this process has seen of each proxy at each host, bounded; and what it has not told others yet."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping

from image_spider.proxies.tally import Tally

MOST = 20_000  # pairs of proxy and host; those that were used last stay
RECENT_SECONDS = 30.0  # a host that answered so lately is well


class HostBook:
    """Counts by proxy and host."""

    def __init__(self, *, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._tallies: OrderedDict[tuple[str, str], Tally] = OrderedDict()
        self._unsent: dict[tuple[str, str], Tally] = {}
        self._answers: OrderedDict[str, dict[str, float]] = OrderedDict()  # host -> proxy -> when it was answered last

    def count(self, host: str, name: str, tally: Tally) -> None:
        """Count what happened."""
        pair = (name, host)
        self._tallies[pair] = self._tallies.pop(pair, Tally()) + tally
        self._unsent[pair] = self._unsent.pop(pair, Tally()) + tally
        for book in (self._tallies, self._unsent):
            if len(book) > MOST:
                del book[next(iter(book))]

    def tally(self, host: str, name: str) -> Tally:
        """Return what happened between a proxy and a host, in this process."""
        return self._tallies.get((name, host), Tally())

    def answered(self, host: str, name: str) -> None:
        """Note that the host answers through this proxy; the last two proxies are enough to tell one from others."""
        known = self._answers.pop(host, {})
        known.pop(name, None)
        known[name] = self._clock()
        while len(known) > 2:
            del known[next(iter(known))]
        self._answers[host] = known
        if len(self._answers) > MOST:
            self._answers.popitem(last=False)

    def answered_others(self, host: str, name: str, *, since: float) -> bool:
        """Tell whether the host answered through another proxy since then, or within the last 30 s, and not here.

        A request that had no answer then failed for its proxy's fault.
        """
        known = self._answers.get(host, {})
        since = min(since, self._clock() - RECENT_SECONDS)
        here = known.get(name, 0.0)
        return any(at >= since and at >= here for other, at in known.items() if other != name)

    def take_unsent(self) -> Mapping[tuple[str, str], Tally]:
        """Return what was counted since the last call."""
        unsent, self._unsent = self._unsent, {}
        return unsent

    def unsent(self, name: str) -> Tally:
        """Return what was counted for a proxy since the last take_unsent."""
        total = Tally()
        for (proxy, _), tally in self._unsent.items():
            if proxy == name:
                total += tally
        return total
