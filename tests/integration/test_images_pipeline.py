"""Candidates of one URL that come at any moment of its download."""

from __future__ import annotations

import asyncio
import itertools
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest
from scrapy.utils.test import get_crawler

from image_spider.extensions.retries import Retries
from image_spider.items import Failure, ImageItem
from image_spider.politeness.host_down import HostClosed
from image_spider.refusals import RefusedRequest
from image_spider.spiders.images import ImagesSpider
from image_spider.unfinished import Halted, Unfinished
from pipelines import images
from pipelines.images import ImagesPipeline
from tests.samples import PAGE, an_item

if TYPE_CHECKING:
    from scrapy.core.engine import ExecutionEngine
    from scrapy.extension import ExtensionManager

URL = "https://example.com/1.png"
CANDIDATES = 40  # one in each turn of the event loop, of which a download takes some ten


class NoImage(ImagesPipeline):
    """Every download fails in the same way, at once."""

    error: Exception
    downloads = 0

    async def _download(self, request: Any, info: Any, item: Any) -> Any:
        self.downloads += 1
        await asyncio.sleep(0)
        raise self.error


class EmptyCatalog:
    async def images_before(self) -> tuple[str, ...]:
        return ()

    async def image_at_url(self, url: str) -> None:
        """Know no image, without a thread: all that happens is a turn or two of the event loop away."""


async def ends(monkeypatch: pytest.MonkeyPatch, error: Exception, folder: Path, *urls: str) -> tuple[list[Any], int]:
    """Send a candidate for each URL, one after the other; return what became of them, and the number of downloads."""
    crawler = get_crawler(ImagesSpider, {"IMAGES_STORE": str(folder / "images")})
    crawler.spider = crawler._create_spider(url=PAGE)
    crawler.engine = cast("ExecutionEngine", SimpleNamespace(_slot=None, scheduler=None))
    crawler.extensions = cast("ExtensionManager", SimpleNamespace(middlewares=[Retries.from_crawler(crawler)]))
    monkeypatch.setattr(crawler, "get_item_pipeline", lambda kind: EmptyCatalog())
    pipeline = NoImage.from_crawler(crawler)
    pipeline.error = error
    await pipeline.open_spider()
    sent: list[asyncio.Task[Any]] = []
    for url in urls:
        sent.append(asyncio.create_task(pipeline.process_item(an_item(url, crawl=crawler.spider.crawl.id))))
        await asyncio.sleep(0)
    became = await asyncio.gather(*sent, return_exceptions=True)
    await pipeline.close_spider()
    return became, pipeline.downloads


@pytest.mark.parametrize("error", [Halted("it ends"), HostClosed("example.com", 60.0)], ids=["halted", "closed"])
def test_an_image_that_is_left_undone_is_so_for_each_candidate(
    error: Exception, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    became, downloads = asyncio.run(ends(monkeypatch, error, tmp_path, *[URL] * CANDIDATES))
    assert {type(one) for one in became} == {Unfinished}
    assert downloads > 1  # it is no result


def failures(became: list[Any]) -> set[Failure | None]:
    return {one.failure if isinstance(one, ImageItem) else one for one in became}


def test_an_image_that_failed_is_not_asked_for_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    refused = RefusedRequest("blocked_address", "10.0.0.1 is private")
    became, downloads = asyncio.run(ends(monkeypatch, refused, tmp_path, *[URL] * CANDIDATES))
    assert failures(became) == {Failure("blocked_address", "10.0.0.1 is private")}
    assert downloads == 1


def test_a_result_may_be_forgotten_at_any_moment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(images, "SEEN_MEDIA", 1)
    refused = RefusedRequest("blocked_address", "10.0.0.1 is private")
    urls = [f"https://example.com/{number % 2}.png" for number in range(3 * CANDIDATES)]
    became, _ = asyncio.run(ends(monkeypatch, refused, tmp_path, *urls))
    assert failures(became) == {Failure("blocked_address", "10.0.0.1 is private")}


@pytest.mark.parametrize("cause", ["quota", "connection"])
def test_a_failure_is_remembered_for_a_time_and_the_end_of_a_quota_not_at_all(
    cause: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    if cause != "quota":
        hours = itertools.count(step=3600)
        monkeypatch.setattr(images, "time", SimpleNamespace(monotonic=lambda: float(next(hours))))
    refused = RefusedRequest(cause, "for now")
    became, downloads = asyncio.run(ends(monkeypatch, refused, tmp_path, *[URL] * CANDIDATES))
    assert failures(became) == {Failure(cause, "for now")}
    assert downloads > 1
