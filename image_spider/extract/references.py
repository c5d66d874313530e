"""The references of one page, resolved against its base."""

from __future__ import annotations

from image_spider.extract.limits import MAX_REFERENCES
from image_spider.urls import join


class References:
    """Resolve references, each once and MAX_REFERENCES at most: menus and thumbnails repeat theirs."""

    def __init__(self, base: str) -> None:
        self._base = base
        self._urls: dict[str, str | None] = {}

    def resolve(self, reference: str) -> str | None:
        """Give what join() gives; None also once there are too many."""
        if reference not in self._urls:
            if len(self._urls) >= MAX_REFERENCES:
                return None
            self._urls[reference] = join(self._base, reference)
        return self._urls[reference]
