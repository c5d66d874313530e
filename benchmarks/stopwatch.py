"""An extension that measures the CPU of each downloader middleware: STOPWATCH_FILE gets it as JSON at the end.

What a method does while it waits is not counted: each step of a coroutine is timed by itself, in CPU time of the
thread. What Scrapy spends on calling it is not in it either; that is in the pages/s of the whole chain alone.
"""

from __future__ import annotations

import functools
import inspect
import json
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Generator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from scrapy import signals

if TYPE_CHECKING:
    from scrapy.crawler import Crawler

EMPTY_CALLS = 20_000
Method = Callable[..., Any]


class Stopwatch:
    """Wraps the methods of all middlewares when the engine starts."""

    def __init__(self, crawler: Crawler, file: Path) -> None:
        self._crawler = crawler
        self._file = file
        self._seconds: defaultdict[str, defaultdict[str, float]] = defaultdict(lambda: defaultdict(float))

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Read STOPWATCH_FILE."""
        self = cls(crawler, Path(crawler.settings["STOPWATCH_FILE"]))
        crawler.signals.connect(self._start, signals.engine_started)
        crawler.signals.connect(self._stop, signals.engine_stopped)
        return self

    def _start(self) -> None:
        for way, methods in self._crawler.engine.downloader.middleware.methods.items():
            for place, method in enumerate(methods):
                if method is not None:
                    methods[place] = timed(method, functools.partial(self._add, _name(method), way))

    def _add(self, name: str, way: str, seconds: float) -> None:
        self._seconds[name][way] += seconds
        self._seconds[name][f"{way} calls"] += 1

    def _stop(self) -> None:
        self._file.write_text(json.dumps({"empty": empty_call(), "seconds": self._seconds}), encoding="utf-8")


def timed(method: Method, add: Callable[[float], None]) -> Method:
    """Return the method, which tells how much CPU time each call took."""

    @functools.wraps(method)
    def call(*arguments: Any, **named: Any) -> Any:
        started = time.thread_time()
        result = method(*arguments, **named)
        spent = time.thread_time() - started
        if inspect.isawaitable(result):
            return _Steps(result, spent, add)
        add(spent)
        return result

    return call


def empty_call() -> float:
    """Return the seconds that the stopwatch sees of a method that does nothing."""
    total = 0.0

    def add(seconds: float) -> None:
        nonlocal total
        total += seconds

    nothing = timed(lambda: None, add)
    for _ in range(EMPTY_CALLS):
        nothing()
    return total / EMPTY_CALLS


class _Steps(Awaitable[Any]):
    """An awaitable whose steps are timed."""

    def __init__(self, awaitable: Awaitable[Any], spent: float, add: Callable[[float], None]) -> None:
        self._steps = awaitable.__await__()
        self._spent = spent
        self._add = add

    def __await__(self) -> Generator[Any, Any, Any]:
        step: Callable[[], Any] = functools.partial(next, self._steps)
        try:
            while True:
                started = time.thread_time()
                try:
                    waits_for = step()
                except StopIteration as end:
                    return end.value
                finally:
                    self._spent += time.thread_time() - started
                try:
                    answer = yield waits_for
                    step = functools.partial(self._send, answer)
                except BaseException as error:  # noqa: BLE001 - handed on to the coroutine, a cancellation too
                    step = functools.partial(self._throw, error)
        finally:
            self._add(self._spent)

    def _send(self, answer: object) -> Any:
        return next(self._steps) if answer is None else self._steps.send(answer)

    def _throw(self, error: BaseException) -> Any:
        return self._steps.throw(error)


def _name(method: Method) -> str:
    owner = type(getattr(method, "__self__", None))
    return f"{owner.__module__}.{owner.__qualname__}"
