"""Image URLs, claimed once in the fleet; many claims share a round trip."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections import defaultdict
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from scrapy.exceptions import DropItem

from image_spider import causes
from image_spider.broker import claims as broker
from image_spider.broker.records import Claim, Claimed
from image_spider.items import Failure, ImageItem
from image_spider.parts import parts
from image_spider.registry import Registry, ServedCrawl
from image_spider.unfinished import Unfinished

if TYPE_CHECKING:
    from collections.abc import Sequence

GATHER_SECONDS = 0.005  # claims of this time share a round trip
ASK_AGAIN_SECONDS = 0.3  # while another worker downloads
MOST = 200  # claims of one round trip
_Asked = tuple[str, asyncio.Future[Claimed]]  # a digest, and who waits for its answer
TOGETHER = 8  # connections that settle at the same time
OF_A_CRAWL = (causes.TOPIC, causes.QUOTA)  # failures that tell nothing to another crawl
IMAGE = "image"  # the result of a claim that brought one


class Claims:
    """Asks for image URLs before they are downloaded, and settles them when their items are recorded or given up.

    A crawl with max_images claims a place together with each URL.
    """

    def __init__(
        self,
        *,
        claims: broker.Claims,
        crawls: Registry,
        worker: Callable[[], str],
        ending: Callable[[], bool],
        full: Callable[[str], None],
        run: Callable[[Coroutine[Any, Any, object]], asyncio.Task[None]],
    ) -> None:
        self._claims = claims
        self._crawls = crawls
        self._worker = worker
        self._ending = ending
        self._full = full  # told of crawls that have max_images
        self._run = run  # in the background; should it fail, the worker ends
        self._waiting: defaultdict[tuple[str, int | None], list[_Asked]] = defaultdict(list)
        self._unanswered: set[asyncio.Future[Claimed]] = set()
        self._flush: asyncio.Task[None] | None = None
        self._mine: dict[int, tuple[str, str]] = {}  # id of an item that holds a claim -> worker, digest
        self._together = asyncio.Semaphore(TOGETHER)
        self._settling: set[asyncio.Task[None]] = set()

    async def take(self, item: ImageItem) -> None:
        """Return when this worker may go on with the item, whose failure another worker may have found already.

        Raises DropItem when the crawl has its images, and Unfinished when it is halted or the worker ends meanwhile.
        """
        served = self._crawls[item.crawl_id]
        if not served.crawl.download and served.crawl.max_images is None:
            return
        url = digest(item.candidate.url)
        while True:
            if served.halted or self._ending():
                raise Unfinished(served.halted or "the worker is ending")
            answer = await self._ask(served, url)
            if answer.claim is Claim.FULL:
                self._full(item.crawl_id)
                raise DropItem("max_images is reached", log_level="DEBUG")
            if answer.claim is Claim.YOURS:
                self._mine[id(item)] = self._worker(), url
                return
            if answer.claim is Claim.DONE:
                item.failure = _failure(answer.result)
                return
            await asyncio.sleep(ASK_AGAIN_SECONDS)

    def item_scraped(self, item: object) -> None:
        """Settle the claim of an item that the catalog has."""
        if isinstance(item, ImageItem) and id(item) in self._mine:
            image = item.image.sha256 if item.image else digest(item.candidate.url)
            self._settle(item, IMAGE, image)

    def item_dropped(self, item: object, exception: BaseException) -> None:
        """Settle the claim of an item that failed; one that was left undone is free for others."""
        if isinstance(item, ImageItem) and id(item) in self._mine:
            recorded = item.failure and not isinstance(exception, Unfinished) and item.failure.cause not in OF_A_CRAWL
            self._settle(item, _result(item.failure) if recorded and item.failure else "", "")

    def item_error(self, item: object) -> None:
        """Free the claim of an item that a pipeline could not bear."""
        if isinstance(item, ImageItem) and id(item) in self._mine:
            self._settle(item, "", "")

    def give_up(self, reason: str) -> None:
        """Let nobody wait for an answer any more: their items are left undone."""
        for future in tuple(self._unanswered):
            if not future.done():
                future.set_exception(Unfinished(reason))

    async def settled(self) -> None:
        """Wait for what is being settled now."""
        if self._settling:
            await asyncio.wait(self._settling)

    def _settle(self, item: ImageItem, result: str, image: str) -> None:
        worker, url = self._mine.pop(id(item))
        limit = self._crawls[item.crawl_id].crawl.max_images
        settle = self._settle_one(
            worker=worker, crawl=item.crawl_id, url=url, result=result, image=image, max_images=limit
        )
        task = self._run(settle)
        self._settling.add(task)
        task.add_done_callback(self._settling.discard)

    async def _settle_one(self, **claim: Any) -> None:
        async with self._together:
            await self._claims.settle(**claim)

    async def _ask(self, served: ServedCrawl, url: str) -> Claimed:
        future: asyncio.Future[Claimed] = asyncio.get_running_loop().create_future()
        self._unanswered.add(future)
        future.add_done_callback(self._unanswered.discard)
        self._waiting[served.crawl.id, served.crawl.max_images].append((url, future))
        if self._flush is None or self._flush.done():
            self._flush = asyncio.create_task(self._flush_all())
        return await future

    async def _flush_all(self) -> None:
        while self._waiting:
            await asyncio.sleep(GATHER_SECONDS)
            waiting, self._waiting = self._waiting, defaultdict(list)
            for (crawl, max_images), asked in waiting.items():
                for some in parts(asked, MOST):
                    await self._claim(crawl, max_images, some)

    async def _claim(self, crawl: str, max_images: int | None, asked: Sequence[_Asked]) -> None:
        try:
            urls = [url for url, _ in asked]
            answers = await self._claims.claim(worker=self._worker(), crawl=crawl, urls=urls, max_images=max_images)
        except Exception as error:  # noqa: BLE001 - whatever it is, each item that waits must hear of it
            for _, future in asked:
                with suppress(asyncio.InvalidStateError):
                    future.set_exception(error)
            return
        for (_, future), answer in zip(asked, answers, strict=True):
            if not future.done():
                future.set_result(answer)


def digest(url: str) -> str:
    """Name an image URL in 16 bytes of hex."""
    return hashlib.sha256(url.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def _result(failure: Failure) -> str:
    return json.dumps([failure.cause, failure.detail])


def _failure(result: str) -> Failure | None:
    """Return the failure of a result; None for an image, which the catalog knows by now."""
    return None if result == IMAGE else Failure(*json.loads(result))
