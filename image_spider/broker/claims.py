"""Image URLs: each is downloaded by one worker, and a crawl takes at most max_images."""

from __future__ import annotations

from collections.abc import Sequence

from image_spider.broker.client import Client
from image_spider.broker.frontier import FrontierOptions, pairs
from image_spider.broker.records import Claim, Claimed

CLAIM_MS = 600_000  # a download that takes longer may be claimed by another worker, too


class Claims:
    """The claims of one frontier.

    A claim is valid while its worker counts as alive. A crawl with max_images reserves a place per claim, so what is
    stored never exceeds it, except by images that a worker settles after it was declared dead.
    """

    def __init__(self, *, client: Client, options: FrontierOptions, result_seconds: float = 600.0) -> None:
        self._client = client
        self._name = options.name
        self._result_ms = int(result_seconds * 1000)

    async def claim(
        self, *, worker: str, crawl: str, urls: Sequence[str], max_images: int | None = None
    ) -> tuple[Claimed, ...]:
        """Claim image URLs, each named by a digest of the caller's; one answer for each, in order."""
        reply = await self._client.script("claim", self._name, worker, crawl, max_images or 0, CLAIM_MS, *urls)
        return tuple(Claimed(claim=Claim(answer.decode()), result=result.decode()) for answer, result in pairs(reply))

    async def settle(
        self, *, worker: str, crawl: str, url: str, result: str, image: str = "", max_images: int | None = None
    ) -> None:
        """End a claim. `result` is remembered for result_seconds; an empty one lets the next worker try again.

        `image` is the SHA-256 of the image that came of it; with max_images it counts once, whichever URL it came by.
        """
        await self._client.script(
            "settle", self._name, worker, crawl, max_images or 0, url, self._result_ms, result, image
        )

    async def images(self, *, crawl: str) -> int:
        """Return how many distinct images a crawl with max_images has."""
        count: int = await self._client.command("SCARD", f"{self._name}:images:{crawl}")
        return count
