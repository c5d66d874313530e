"""What stands for work that was left undone: its page must be read again."""

from __future__ import annotations

from scrapy.exceptions import DropItem, IgnoreRequest


class Halted(IgnoreRequest):
    """A request was taken out of the downloader, because its crawl was paused or stopped."""


request_halted = object()
"""Scrapy signal (request, reason): a request of the engine failed with Halted. Who has its lease gives that back."""


class Unfinished(DropItem):
    """An item was left undone: the crawl is paused, stopped or ending, or what should record the item failed.

    Or the host of its image is closed for so many seconds. A local run notes its page in the job directory, or reads it
    again then. In a fleet the lease of its page goes back to the queue, for so long.
    """

    def __init__(self, reason: str, *, seconds: float = 0.0) -> None:
        super().__init__(reason, log_level="DEBUG")
        self.seconds = seconds
