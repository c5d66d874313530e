from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from scrapy import Request
from scrapy.http import HtmlResponse

from image_spider.crawl import Crawl
from image_spider.fields import Field
from image_spider.items import Candidate, Failure, ImageItem, PageItem
from image_spider.task.output import Output
from image_spider.task.progress import Progress
from image_spider.task.records import PageRecord
from image_spider.task.task import ContainerTask
from middlewares.task_pages import TaskPages

URL = "https://a.example/"
AT = datetime(2026, 11, 20, tzinfo=UTC)
IMAGE = ImageItem(Candidate("https://a.example/i.png", "img"), URL, "", "e1", AT)
READ = PageItem(URL, "e1", AT)


def a_task(*, max_pages: int | None = None, extract_images: bool = True) -> ContainerTask:
    progress = Progress()
    progress.known(URL)
    return ContainerTask(
        crawl=Crawl.from_arguments(url=URL),
        max_pages=max_pages,
        fields=(Field(name="title"),),
        extract_images=extract_images,
        progress=progress,
        output=Output(folder=Path("nowhere"), file_format="jsonl", columns={}),
    )


def page(url: str = URL, **meta: Any) -> HtmlResponse:
    return HtmlResponse(url, body=b"<title>A</title>", request=Request(url, meta=meta))


def link(path: str) -> Request:
    return Request(URL + path, cb_kwargs={"site": URL, "depth": 1})


def passed(task: ContainerTask, response: HtmlResponse, *parts: object) -> list[Any]:
    async def yielded() -> AsyncIterator[Any]:
        for part in parts:
            yield part

    async def read() -> list[Any]:
        return [part async for part in TaskPages(task).process_spider_output(response, yielded())]

    return asyncio.run(read())


def counts(task: ContainerTask) -> tuple[object, ...]:
    snapshot = task.progress.snapshot()
    return tuple(snapshot[name] for name in ("total_urls", "crawled_urls", "successful_urls", "failed_urls"))


def test_a_page_that_is_read_gives_a_record_beside_what_the_spider_yields():
    task = a_task()
    record, *rest = passed(task, page(), READ, IMAGE)
    assert isinstance(record, PageRecord)
    assert (record.url, record.values) == (URL, {"title": "A"})
    assert rest == [READ, IMAGE]
    assert counts(task) == (1, 1, 1, 0)


def test_a_page_is_counted_by_the_url_that_was_asked_for_before_its_redirects():
    task = a_task()
    record, _ = passed(task, page("https://a.example/new", redirect_urls=[URL]), READ)
    assert record.url == "https://a.example/new"
    assert counts(task) == (1, 1, 1, 0)


def test_images_that_are_not_wanted_are_taken_away():
    assert passed(a_task(extract_images=False), page(), IMAGE) == []


def test_a_page_that_failed_and_one_that_led_away_are_no_success():
    task = a_task()
    task.progress.known("https://a.example/away")
    failed = PageItem(URL, "e1", AT, Failure("status", "HTTP 404"))
    assert passed(task, page(), failed) == [failed]
    assert passed(task, page("https://b.example/", redirect_urls=["https://a.example/away"])) == []
    assert counts(task) == (2, 2, 0, 1)


def test_an_error_of_our_own_code_is_a_failed_page():
    task = a_task()
    TaskPages(task).spider_error(SimpleNamespace(value=KeyError("x")), page())
    assert counts(task) == (1, 1, 0, 1)
    assert task.progress.failures()["by_cause"] == {"error": 1}


def test_links_have_the_places_that_the_targets_leave_each_once():
    links = [link("1"), link(""), link("1"), link("new"), link("2"), link("3"), link("2")]
    taken = passed(a_task(max_pages=3), page("https://a.example/new", redirect_urls=[URL]), *links)
    assert [request.url for request in taken] == [URL + path for path in ("1", "", "1", "new", "2", "2")]
    assert len(passed(a_task(), page(), *links)) == len(links)


def test_requests_are_counted_when_they_are_queued_and_not_again_for_redirects_and_duplicates():
    task = a_task()
    watcher = TaskPages(task)
    watcher.request_scheduled(link("1"))
    watcher.request_scheduled(link("2"))
    watcher.request_dropped(link("2"))
    redirected = link("3").replace(meta={"redirect_urls": [URL + "1"]})
    watcher.request_scheduled(redirected)
    watcher.request_dropped(redirected)
    watcher.request_scheduled(Request(URL + "i.png"))  # no page
    assert counts(task) == (2, 0, 0, 0)
