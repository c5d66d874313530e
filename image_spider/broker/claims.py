"""Image URLs: each is downloaded by one worker, and a crawl takes at most max_images."""

from __future__ import annotations

from collections.abc import Sequence

from image_spider.broker.client import Client
from image_spider.broker.frontier import FrontierOptions
from image_spider.broker.records import Claimed


class Claims:
    """The claims of one frontier.

    A claim is valid while its worker counts as alive. A crawl with max_images reserves a place per claim, so what is
    stored never exceeds it, except by images that a worker settles after it was declared dead.
    """

    def __init__(self, *, client: Client, options: FrontierOptions, result_seconds: float = 600.0) -> None: ...

    async def claim(
        self, *, worker: str, crawl: str, urls: Sequence[str], max_images: int | None = None
    ) -> tuple[Claimed, ...]:
        """Claim image URLs, each named by a digest of the caller's; one answer for each, in order."""
        raise NotImplementedError

    async def settle(self, *, worker: str, crawl: str, url: str, result: str, image: str = "") -> None:
        """End a claim. `result` is remembered for result_seconds; an empty one lets the next worker try again.

        `image` is the SHA-256 of the image that came of it, which counts towards max_images once; empty for none.
        """
        raise NotImplementedError

    async def images(self, *, crawl: str) -> int:
        """Return how many distinct images a crawl with max_images has."""
        raise NotImplementedError
