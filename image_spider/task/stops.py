"""SIGTERM and SIGINT, from the first moment of a task to its last."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable
from types import FrameType

SIGNALS = (signal.SIGTERM, signal.SIGINT)


class Stopped(BaseException):
    """The task was told to end before its crawl began; like KeyboardInterrupt, no `except Exception` takes it."""


class Stops:
    """Remembers which signal came first.

    A program that is process 1 of its container is deaf to signals that it has no handler for. So there is one from
    the beginning, which ends the program while nobody has heard of it, and then raises Stopped. While the crawl runs,
    Scrapy's own handlers end it, in order at the first signal and at once at the second.
    """

    def __init__(self) -> None:
        self.first: signal.Signals | None = None
        self._handle_by(self._exit)

    def begin(self) -> None:
        """Let a signal raise Stopped from now on."""
        self._handle_by(self._raise)

    def watch(self, on_stop: Callable[[], object]) -> None:
        """Go between the system and the handlers that there are now: remember the first signal, and call `on_stop`."""
        for number in SIGNALS:
            before = signal.getsignal(number)

            def handler(number: int, frame: FrameType | None, *, before: object = before) -> None:
                if self.first is None:
                    self.first = signal.Signals(number)
                    on_stop()
                if callable(before):
                    before(number, frame)

            signal.signal(number, handler)

    def ignore(self) -> None:
        """Take signals as heard from now on: what is left has a deadline of its own."""
        self._handle_by(self._note)

    def _handle_by(self, handler: Callable[[int, FrameType | None], None]) -> None:
        for number in SIGNALS:
            signal.signal(number, handler)

    def _exit(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002 - the system's signature
        sys.exit(128 + number)

    def _raise(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002
        if self.first is None:
            self.first = signal.Signals(number)
            raise Stopped

    def _note(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002
        self.first = self.first or signal.Signals(number)
