"""Pages that something else than an answer ends."""

from __future__ import annotations

from typing import Any

import pytest
from scrapy import Request
from scrapy.http.request import NO_CALLBACK
from scrapy.utils.test import get_crawler

from image_spider.spiders.images import ImagesSpider
from image_spider.unfinished import Halted, request_halted
from middlewares.halted import HaltedMiddleware

PAGE = "https://example.com/"


@pytest.fixture(params=[False, True], ids=["local", "fleet"])
def in_fleet(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


def halted(request: Request, exception: Exception, *, in_fleet: bool) -> tuple[Request | None, list[Any]]:
    """Return what the middleware makes of a request that failed, and what it tells of it."""
    crawler = get_crawler(ImagesSpider)
    crawler.spider = crawler._create_spider(url=PAGE)
    crawler.spider.in_fleet = in_fleet
    told: list[Any] = []

    def hear(request: Request, reason: str) -> None:
        told.append((request, reason))

    crawler.signals.connect(hear, request_halted)
    return HaltedMiddleware.from_crawler(crawler).process_exception(request, exception), told


def test_a_local_run_queues_a_page_again_whoever_halted_it():
    request = Request(PAGE, meta={"crawl_id": "c"})
    again, told = halted(request, Halted("it ends"), in_fleet=False)
    assert again
    assert (again.url, again.meta, again.dont_filter, told) == (PAGE, {"crawl_id": "c"}, True, [])


def test_a_fleet_hears_whose_lease_is_to_go_back():
    request = Request(PAGE)
    assert halted(request, Halted("it ends"), in_fleet=True) == (None, [(request, "it ends")])


def test_images_and_other_failures_are_not_its_business(in_fleet: bool):
    image = Request(PAGE, callback=NO_CALLBACK)
    assert halted(image, Halted("it ends"), in_fleet=in_fleet) == (None, [])
    assert halted(Request(PAGE), ValueError("no"), in_fleet=in_fleet) == (None, [])
