"""A file that says that the event loop turns, for health checks of containers."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING

from scrapy import signals
from scrapy.exceptions import NotConfigured
from twisted.internet.task import LoopingCall

from image_spider.exceptions import UsageError

if TYPE_CHECKING:
    from typing import Self

    from scrapy.crawler import Crawler
    from twisted.internet.interfaces import IReactorTime

logger = logging.getLogger(__name__)
TOUCH_SECONDS = 5.0


class Alive:
    """Touch ALIVE_FILE every five seconds, from the event loop itself: when that stands still, the file grows old.

    It asks neither Redis nor the catalog, for an outage of theirs is nothing that a restart of the worker mends.
    Keep the file in memory (tmpfs): a disk that hangs would hold up the event loop. One that is full is
    said once.
    """

    def __init__(self, file: Path, *, clock: IReactorTime | None = None) -> None:
        self._file = file
        self._failed = False
        self._touching = LoopingCall(self._touch)
        if clock:
            self._touching.clock = clock

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Stay off without ALIVE_FILE."""
        if not (file := crawler.settings["ALIVE_FILE"]):
            raise NotConfigured
        extension = cls(Path(file))
        try:
            extension._file.touch()
        except OSError as error:
            raise UsageError("ALIVE_FILE", file, f"a file that can be written ({error.strerror})") from error
        crawler.signals.connect(extension.engine_started, signals.engine_started)
        crawler.signals.connect(extension.engine_stopped, signals.engine_stopped)
        return extension

    def engine_started(self) -> None:
        """Begin."""
        self._touching.start(TOUCH_SECONDS)

    def _touch(self) -> None:
        try:
            self._file.touch()
            self._failed = False
        except OSError as error:  # it would end the calls for good
            if not self._failed:
                logger.warning("%s cannot be touched: %s", self._file, error.strerror)
            self._failed = True

    def engine_stopped(self) -> None:
        """End; the file stays and grows old."""
        if self._touching.running:
            self._touching.stop()
