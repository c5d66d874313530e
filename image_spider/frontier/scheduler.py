"""The scheduler of a fleet's worker: the face that Scrapy's engine calls, synchronously."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Self

from scrapy import Request, signals
from scrapy.exceptions import DontCloseSpider
from scrapy.utils.defer import deferred_from_coro
from scrapy_redis.scheduler import Scheduler as RedisScheduler
from twisted.python.failure import Failure

from image_spider import config
from image_spider.exceptions import PayloadError
from image_spider.frontier.fleet import connect_fleet
from image_spider.frontier.worker import Worker
from image_spider.items import ImageItem, PageItem
from image_spider.spiders.images import images_spider
from image_spider.unfinished import Unfinished, request_halted

if TYPE_CHECKING:
    from scrapy import Spider
    from scrapy.crawler import Crawler
    from scrapy.http import Response
    from twisted.internet.defer import Deferred

    from image_spider.frontier.bookkeeper import Books
    from image_spider.frontier.claims import Claims

logger = logging.getLogger(__name__)


class Scheduler(RedisScheduler):  # type: ignore[misc]  # scrapy-redis has no types
    """Takes requests from a buffer and appends them to an outbox; a Worker does the rest beside the engine.

    It never blocks and never raises: Scrapy forgets a request whose enqueueing raised. It honours scrapy-redis's
    settings, but for one thing: closing a worker clears nothing that others share.
    """

    def __init__(self, *, worker: Worker, crawler: Crawler) -> None:
        super().__init__(server=None, persist=True)
        self._worker = worker
        self._crawler = crawler
        self.stats = crawler.stats
        self.df = worker.dupefilter
        self.queue = worker.queue

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Read the settings; nothing is connected before open()."""
        spider = images_spider(crawler)
        fleet = connect_fleet(crawler.settings, spider=spider.name)
        settings = config.from_settings(crawler.settings)
        scheduler = cls(worker=Worker(crawler=crawler, spider=spider, fleet=fleet, settings=settings), crawler=crawler)
        for handler, signal in (
            (scheduler.spider_opened, signals.spider_opened),
            (scheduler.spider_idle, signals.spider_idle),
            (scheduler.request_left_downloader, signals.request_left_downloader),
            (scheduler.request_halted, request_halted),
            (scheduler.item_scraped, signals.item_scraped),
            (scheduler.item_dropped, signals.item_dropped),
            (scheduler.item_error, signals.item_error),
            (scheduler.spider_error, signals.spider_error),
        ):
            crawler.signals.connect(handler, signal)
        return scheduler

    @property
    def claims(self) -> Claims:
        """The claims of image URLs, for the images pipeline."""
        return self._worker.claims

    @property
    def trouble(self) -> str:
        """Why the worker waits, in words for a user; empty while all is well."""
        reason = self._worker.away_reason
        return f"paused: {reason}" if reason else ""

    def keep_books(self, books: Books) -> None:
        """Record the crawls of the fleet in these books."""
        self._worker.bookkeeper.keep(books)

    def open(self, spider: Spider) -> Deferred[None]:
        """Join the fleet; the crawl ends at once when that fails."""
        self.spider = spider
        if not hasattr(self._crawler.engine._slot, "inprogress"):  # noqa: SLF001
            raise RuntimeError("this Scrapy does not tell which requests are in progress: leases could not be finished")
        return deferred_from_coro(self._worker.open())

    def close(self, reason: str) -> Deferred[None]:
        """Give back what was not begun, and leave."""
        del reason
        return deferred_from_coro(self._worker.close())

    def enqueue_request(self, request: Request) -> bool:
        """Send a request on its way; one that cannot be written down is refused, logged, and a dead letter."""
        try:
            self.queue.push(request)
        except PayloadError as error:
            self.queue.bury(request, str(error))
            logger.error("A request is a dead letter: %s", error)  # noqa: TRY400 - the message says it all
            self.stats.inc_value("frontier/unserializable")
            return False
        except KeyError:  # not of this spider's making
            logger.error("A request is lost, for it has no crawl_id: %s", request)  # noqa: TRY400
            self.stats.inc_value("frontier/unserializable")
            return False
        self.stats.inc_value("scheduler/enqueued/redis")
        return True

    def next_request(self) -> Request | None:
        """Return the next request that is here, or None."""
        request = self._worker.next_request()
        if request:
            self.stats.inc_value("scheduler/dequeued/redis")
        return request

    def has_pending_requests(self) -> bool:
        """Tell whether this worker has requests at hand; the frontier may have many more."""
        return len(self) > 0

    def spider_opened(self) -> None:
        """Begin to work, now that all pipelines are open."""
        self._worker.begin()

    def spider_idle(self) -> None:
        """Stay, unless the worker never began: the next request may come at any moment."""
        if not self._worker.failed:
            raise DontCloseSpider

    def request_left_downloader(self, request: Request) -> None:
        """Let the fleet ask the request's host again, while the page is read here."""
        self._worker.request_answered(request)

    def request_halted(self, request: Request, reason: str) -> None:
        """Give back the lease of a page that waited for something, be it a turn, its robots.txt or a proxy."""
        self._worker.held.give_back(request, reason, attempted=False)

    def item_scraped(self, item: object, response: Response | Failure | None) -> None:
        """Settle the claim of an image that is recorded."""
        self.claims.item_scraped(item)
        if isinstance(item, ImageItem):
            self._worker.request_ended(_request(response), "images")

    def item_dropped(self, item: object, response: Response | Failure | None, exception: BaseException) -> None:
        """Count what became of an item, or give its page back when the item was left undone."""
        self.claims.item_dropped(item, exception)
        if isinstance(exception, Unfinished):
            self._worker.held.give_back(_request(response), str(exception), attempted=False, seconds=exception.seconds)
        elif isinstance(item, ImageItem | PageItem) and item.failure:
            self._worker.request_ended(_request(response), "failed")
        elif isinstance(item, PageItem):
            self._worker.request_ended(_request(response), "pages")

    def item_error(self, item: object, response: Response | Failure | None, failure: Failure) -> None:
        """Try a page again whose item a pipeline could not bear; some attempts later it is a dead letter."""
        self.claims.item_error(item)
        self._worker.held.give_back(
            _request(response), f"{type(failure.value).__name__}: {failure.value}", attempted=True
        )

    def spider_error(self, failure: Failure, response: Response | Failure | None) -> None:
        """Count a page that the spider could not read; trying again would not help."""
        del failure
        self._worker.request_ended(_request(response), "errors")


def _request(response: Any) -> Request | None:
    """Return the request of a response or of a failed download."""
    request = getattr(response, "request", None)
    return request if isinstance(request, Request) else None
