"""An extension that blocks the reactor in the midst of a crawl."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Self

from scrapy import signals

if TYPE_CHECKING:
    from scrapy.crawler import Crawler


class Blocker:
    """Lets nothing else run when the first answer has come, until the file `go_on` is there."""

    def __init__(self) -> None:
        self._blocked = False

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Wait for an answer."""
        extension = cls()
        crawler.signals.connect(extension.response_received, signals.response_received)
        return extension

    def response_received(self) -> None:
        """Block, once."""
        if not self._blocked:
            self._blocked = True
            Path("blocked").touch()
            deadline = time.monotonic() + 60
            while not Path("go_on").exists() and time.monotonic() < deadline:
                time.sleep(0.01)
