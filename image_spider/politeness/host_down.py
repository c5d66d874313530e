"""What a request fails with that was not sent, for its host is not to be asked now."""

from __future__ import annotations

from scrapy.exceptions import IgnoreRequest

from image_spider import causes
from image_spider.refusals import RefusedRequest


class HostDown(RefusedRequest):
    """The host failed so often that it is not asked for a time; the request made no connection. Cause: host_down."""

    def __init__(self, host: str, reason: str) -> None:
        super().__init__(causes.HOST_DOWN, f"{host} is not asked for a while: {reason}")


class HostClosed(IgnoreRequest):
    """The host is to be left alone for so many seconds, too long to wait on a place of the downloader.

    No failure: who sent the request sends it again then; a page goes back to the scheduler.
    """

    def __init__(self, host: str, seconds: float) -> None:
        super().__init__(f"{host} is to be left alone for {seconds:,.1f} s")
        self.seconds = seconds
