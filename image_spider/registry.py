"""The crawls that a worker serves: one in a local run, any number in a fleet."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from image_spider.crawl import Crawl
from image_spider.topics.categories import Categories

if TYPE_CHECKING:
    from scrapy import Request
    from scrapy.http import Response

    from image_spider.topics.taxonomy import Taxonomy


@dataclass(slots=True, kw_only=True)
class ServedCrawl:
    """A crawl as a worker serves it.

    model_decides tells that its categories are asked of the label model too. halted is the reason why its requests are
    not fetched now ("paused", "stopped"), or empty.
    """

    crawl: Crawl
    categories: Categories
    model_decides: bool
    halted: str = ""


class Registry:
    """Crawls by id; requests name theirs in meta, as crawl_id."""

    def __init__(self, *, taxonomy: Taxonomy, has_model: bool) -> None:
        self._taxonomy = taxonomy
        self._has_model = has_model
        self._served: dict[str, ServedCrawl] = {}

    def add(self, crawl: Crawl) -> ServedCrawl:
        """Begin to serve a crawl, or serve it by its new arguments."""
        categories = Categories.of(crawl.categories, self._taxonomy)
        served = ServedCrawl(crawl=crawl, categories=categories, model_decides=self._has_model and crawl.download)
        self._served[crawl.id] = served
        return served

    def remove(self, crawl_id: str) -> None:
        """Forget a crawl that is over."""
        self._served.pop(crawl_id, None)

    def __getitem__(self, crawl_id: str) -> ServedCrawl:
        """Return the crawl of that id; raises KeyError for one that is not served."""
        return self._served[crawl_id]

    def __contains__(self, crawl_id: object) -> bool:
        """Tell whether a crawl is served."""
        return crawl_id in self._served

    def __iter__(self) -> Iterator[str]:
        """Yield the ids of the crawls."""
        return iter(tuple(self._served))

    def of(self, message: Request | Response) -> ServedCrawl:
        """Return the crawl of a request, or of a response's request."""
        crawl_id = message.meta.get("crawl_id")
        if crawl_id is None:  # a job directory of an older version
            (served,) = self._served.values()
            return served
        return self._served[crawl_id]
