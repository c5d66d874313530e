"""How a crawl treats hosts: the parts, joined."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from image_spider import config
from image_spider.frontier.background import Background
from image_spider.politeness.memory import LocalBudgets
from image_spider.politeness.pace import fresh
from image_spider.politeness.rules import rules_of
from image_spider.politeness.spacing import spaced
from image_spider.politeness.states import HostStates
from image_spider.politeness.turns import Turns
from image_spider.spiders.images import images_spider

if TYPE_CHECKING:
    from scrapy import Request
    from scrapy.crawler import Crawler

    from image_spider.politeness.asks import BudgetKeeper
    from image_spider.spiders.images import ImagesSpider


class Politeness:
    """The turns of requests, and what is known of their hosts, on one keeper of budgets.

    run starts a coroutine in the background; should it fail, the crawl ends. close ends what was started so.
    """

    def __init__(
        self,
        *,
        crawler: Crawler,
        spider: ImagesSpider,
        keeper: BudgetKeeper,
        run: Callable[[Coroutine[Any, Any, object]], object],
        close: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        settings = config.from_settings(crawler.settings)
        self.states = HostStates(keeper=keeper, rules=rules_of(settings), run=run, count=crawler.stats.inc_value)
        self.turns = Turns(
            keeper=keeper,
            states=self.states,
            delay=spaced(settings.HOST_DELAY_SECONDS),
            ending=lambda: spider.stopping,
            in_fleet=spider.in_fleet,
            run=run,
            count=crawler.stats.inc_value,
        )
        self._close = close

    async def close(self) -> None:
        """Let nobody wait any more. A worker of a fleet ends its own background, after its farewell."""
        if self._close:
            await self._close()


def politeness_of(crawler: Crawler) -> Politeness:
    """Return the crawl's politeness: the one of its fleet, or one in memory that is made with the first request."""
    spider = images_spider(crawler)
    if spider.politeness is None:
        background = Background(abort=spider.abort)
        keeper = LocalBudgets(usual=fresh(rules_of(config.from_settings(crawler.settings))))
        spider.politeness = Politeness(
            crawler=crawler, spider=spider, keeper=keeper, run=background.run, close=background.cancel
        )
    return spider.politeness


@asynccontextmanager
async def turn_of_image(spider: ImagesSpider, request: Request) -> AsyncIterator[None]:
    """Wait for the turn of a request outside the engine, with none of its places; raises what Turns.take does."""
    if spider.politeness is None:  # its middleware is switched off
        yield
        return
    turn = await spider.politeness.turns.take(request, image=True)
    try:
        yield
    finally:
        spider.politeness.turns.end(turn)  # the middleware has, unless the request did not come so far
