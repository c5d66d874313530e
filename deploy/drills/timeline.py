"""What happens in a drill, and when."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

POLL_SECONDS = 0.02


class Timeline:
    """Prints every event with its time; `missing` are those that did not happen in time."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._struck = self._began
        self.seconds: dict[str, float] = {}  # from the last strike to an event
        self.missing: list[str] = []

    def say(self, text: str) -> None:
        """Print a line with the time since the drill began."""
        print(f"{time.monotonic() - self._began:8.2f} s  {text}", flush=True)

    def strike(self, text: str) -> None:
        """Print what has been done to the servers; what is expected next is timed from here."""
        self._struck = time.monotonic()
        self.say(f"** {text}")

    def expect(self, events: Mapping[str, Callable[[], object]], *, seconds: float) -> bool:
        """Wait until every event's condition has been true once; tell whether they all came true in time.

        A condition that is true as a text is printed with it.
        """
        left = dict(events)
        deadline = time.monotonic() + seconds
        while left and time.monotonic() < deadline:
            for event, condition in list(left.items()):
                if told := condition():
                    del left[event]
                    self.seconds[event] = time.monotonic() - self._struck
                    words = f" ({told})" if isinstance(told, str) else ""
                    self.say(f"   {event}{words}, {self.seconds[event]:.2f} s later")
            time.sleep(POLL_SECONDS)
        self.missing += [f"it did not happen within {seconds:g} s: {event}" for event in left]
        return not left
