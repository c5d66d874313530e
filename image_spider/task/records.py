"""What a task writes of a page and of an image: records, and the types of their columns. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from image_spider.fields import Field, Value
from image_spider.items import ImageItem
from image_spider.urls import without_credentials

Kind = Literal["page", "image"]
Type = Literal["text", "texts", "whole", "real", "time"]
Record = dict[str, object]  # as JSON has it: times in ISO 8601


@dataclass(slots=True, kw_only=True)
class PageRecord:
    """The fields of a page that was read, on its way to the output."""

    url: str
    crawled_at: datetime
    values: Mapping[str, Value] = field(default_factory=dict)


IMAGE_COLUMNS: dict[str, Type] = {
    "image_url": "text",
    "page_url": "text",
    "crawled_at": "time",
    "alt": "text",
    "title": "text",
    "caption": "text",
    "sha256": "text",
    "path": "text",
    "format": "text",
    "width": "whole",
    "height": "whole",
    "bytes": "whole",
    "size_class": "text",
    "shape": "text",
    "integrity": "text",
    "quality": "real",
    "content": "text",
    "flags": "texts",
    "topics": "texts",
    "duplicate_of": "text",
    "duplicate_kind": "text",
}


def page_columns(fields: Iterable[Field]) -> dict[str, Type]:
    """Return the columns of pages."""
    columns: dict[str, Type] = {"url": "text", "crawled_at": "time"}
    return columns | {asked.name: "texts" if asked.every else "text" for asked in fields}


def page_record(page: PageRecord) -> Record:
    """Return what is written of a page."""
    return {"url": without_credentials(page.url), "crawled_at": page.crawled_at.isoformat(), **page.values}


def image_record(item: ImageItem) -> Record:
    """Return what is written of an image where it was found; values that are measured are null for a known image."""
    image, understanding = item.image, item.image.understanding if item.image else None
    assert image
    topics = [*item.topics, *(understanding.topics if understanding else ())]
    return {
        "image_url": without_credentials(item.candidate.url),
        "page_url": without_credentials(item.page_url),
        "crawled_at": item.seen_at.isoformat(),
        "alt": item.candidate.alt,
        "title": item.candidate.title,
        "caption": item.candidate.caption,
        "sha256": image.sha256,
        "path": image.path,
        "format": image.format,
        "width": image.width,
        "height": image.height,
        "bytes": image.bytes,
        "size_class": image.size_class,
        "shape": image.shape,
        "integrity": image.integrity,
        "quality": understanding.quality if understanding else None,
        "content": understanding.content if understanding else None,
        "flags": list(understanding.flags) if understanding else [],
        "topics": list(dict.fromkeys(topic.name for topic in topics)),
        "duplicate_of": item.duplicate.of if item.duplicate else None,
        "duplicate_kind": item.duplicate.kind if item.duplicate else None,
    }
