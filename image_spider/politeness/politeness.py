"""How a crawl treats hosts: the parts, joined."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

from image_spider import config
from image_spider.politeness.rules import rules_of
from image_spider.politeness.spacing import spaced
from image_spider.politeness.states import HostStates
from image_spider.politeness.turns import Turns

if TYPE_CHECKING:
    from scrapy.crawler import Crawler

    from image_spider.politeness.asks import BudgetKeeper
    from image_spider.spiders.images import ImagesSpider


class Politeness:
    """The turns of requests, and what is known of their hosts, on one keeper of budgets."""

    def __init__(
        self,
        *,
        crawler: Crawler,
        spider: ImagesSpider,
        keeper: BudgetKeeper,
        run: Callable[[Coroutine[Any, Any, object]], object],
    ) -> None:
        settings = config.from_settings(crawler.settings)
        self.states = HostStates(keeper=keeper, rules=rules_of(settings), run=run)
        self.turns = Turns(
            keeper=keeper,
            states=self.states,
            delay=spaced(settings.HOST_DELAY_SECONDS),
            ending=lambda: spider.stopping,
            run=run,
            count=lambda name: crawler.stats.inc_value(name),
        )
