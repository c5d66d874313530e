"""What stands for a request that is not sent: its cause goes into table failures."""

from __future__ import annotations

from scrapy.exceptions import IgnoreRequest


class RefusedRequest(IgnoreRequest):
    """A request is against our own rules; cause is one of `image_spider.causes`. It is never tried again."""

    def __init__(self, cause: str, detail: str) -> None:
        super().__init__(detail)
        self.cause = cause
