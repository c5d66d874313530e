"""Taking back what waits in the downloader: the requests and image downloads of crawls that are paused or stopped."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from twisted.python.failure import Failure

from image_spider.unfinished import Halted

if TYPE_CHECKING:
    from scrapy import Request
    from scrapy.core.downloader import Downloader


def take_back(downloader: Downloader, crawl_id: str | None) -> list[Request]:
    """Take out of the downloader what waits for its host's turn, of a crawl or of all; it fails with Halted.

    Those that are being transferred go on: the server has them already. Scrapy has no call for this, so it reaches
    into the downloader's queues; a test holds them where they are.
    """

    def wanted(request: Request) -> bool:
        return crawl_id is None or request.meta.get("crawl_id") == crawl_id

    taken = []
    for slot in downloader.slots.values():
        waiting = list(slot.queue)
        slot.queue = deque(pair for pair in waiting if not wanted(pair[0]))
        for request, deferred in waiting:
            if wanted(request):
                taken.append(request)
                deferred.errback(Failure(Halted("its crawl is paused or stopped, or the worker ends")))  # type: ignore[no-untyped-call]
    return taken
