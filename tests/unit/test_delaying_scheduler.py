from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from scrapy import Request, Spider
from scrapy.utils.test import get_crawler

from image_spider.delayed import LONGEST_SECONDS, delayed, take_delay
from image_spider.delaying_scheduler import DelayingScheduler


def a_scheduler(folder: Path) -> DelayingScheduler:
    settings = {"JOBDIR": str(folder), "SCHEDULER_PRIORITY_QUEUE": "scrapy.pqueues.ScrapyPriorityQueue"}
    crawler = get_crawler(Spider, settings)
    scheduler = DelayingScheduler.from_crawler(crawler)
    scheduler.open(Spider.from_crawler(crawler, name="any"))
    return scheduler


def test_a_delayed_request_comes_behind_its_time_and_the_others_do_not_wait_for_it(tmp_path: Path):
    async def work() -> None:
        scheduler = a_scheduler(tmp_path)
        assert scheduler.enqueue_request(delayed(Request("http://a.example/late"), 3600))
        assert scheduler.enqueue_request(Request("http://a.example/now"))
        assert len(scheduler) == 2
        first = scheduler.next_request()
        assert first
        assert first.url == "http://a.example/now"
        assert scheduler.next_request() is None
        assert scheduler.has_pending_requests(), "or the crawl would end without it"
        scheduler.close("finished")

    asyncio.run(work())


def test_what_waits_when_a_run_ends_in_order_is_there_when_it_goes_on(tmp_path: Path):
    async def first_run() -> None:
        scheduler = a_scheduler(tmp_path)
        for number in range(3):
            request = Request(f"http://a.example/{number}", meta={"retry_times": number}, dont_filter=True)
            scheduler.enqueue_request(delayed(request, 3600 + number))
        scheduler.close("shutdown")

    async def second_run() -> list[tuple[str, dict[str, int]]]:
        scheduler = a_scheduler(tmp_path)
        found = []
        while request := scheduler.next_request():
            found.append((request.url, request.meta))
        scheduler.close("finished")
        return found

    asyncio.run(first_run())
    assert sorted(asyncio.run(second_run()), key=str) == [
        (f"http://a.example/{number}", {"retry_times": number}) for number in range(3)
    ]


def test_a_delayed_request_is_known_to_the_filter_at_once(tmp_path: Path):
    async def work() -> None:
        scheduler = a_scheduler(tmp_path)
        assert scheduler.enqueue_request(delayed(Request("http://a.example/"), 3600))
        assert not scheduler.enqueue_request(Request("http://a.example/"))
        assert not scheduler.enqueue_request(delayed(Request("http://a.example/"), 3600))
        scheduler.close("finished")

    asyncio.run(work())


@pytest.mark.parametrize(
    ("value", "seconds"), [(5, 5), (0.5, 0.5), (-1, 0), ("5", 0), (None, 0), (float("nan"), 0), (1e99, LONGEST_SECONDS)]
)
def test_a_delay_that_is_no_number_of_seconds_is_none(value: object, seconds: float):
    request = Request("http://a.example/", meta={"delay_seconds": value, "other": 1})
    assert take_delay(request) == seconds
    assert request.meta == {"other": 1}
