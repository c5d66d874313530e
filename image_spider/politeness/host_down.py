"""What a request to a host that is down fails with."""

from __future__ import annotations

from scrapy.exceptions import IgnoreRequest


class HostDown(IgnoreRequest):
    """The host failed so often that it is not asked for a time; the request made no connection. Cause: host_down."""

    def __init__(self, host: str, reason: str) -> None:
        super().__init__(f"{host} is not asked for a while: {reason}")
