"""A task while it is crawled."""

from __future__ import annotations

from dataclasses import dataclass

from image_spider.crawl import Crawl
from image_spider.fields import Field
from image_spider.task.output import Output
from image_spider.task.progress import Progress


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerTask:
    """What the spider, its middleware and its pipeline share; the spider has it as `task`, or None."""

    crawl: Crawl
    max_pages: int | None  # the targets among them; redirects are not counted, as they are in a crawl's own limit
    fields: tuple[Field, ...]
    extract_images: bool
    progress: Progress
    output: Output
