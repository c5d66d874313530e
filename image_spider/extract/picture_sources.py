"""The attributes that name the files of one picture, lazy loaders' included."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from image_spider.extract.css_urls import css_images
from image_spider.extract.data_uri import is_data_uri
from image_spider.extract.lazy_attributes import FULL_SIZE, LAZY, LAZY_BACKGROUND, LAZY_BACKGROUND_SRCSET, LAZY_SRCSET
from image_spider.extract.placeholders import is_placeholder
from image_spider.extract.sources import Rank, Source, screens_of
from image_spider.extract.srcset import parse_srcset
from image_spider.urls import has_image_extension

Attributes = Mapping[str, str]

_REAL_FILE = FULL_SIZE | LAZY
BACKGROUND_ATTRIBUTES = _REAL_FILE | LAZY_BACKGROUND | LAZY_BACKGROUND_SRCSET


def picture_sources(attributes: Attributes, rule: str) -> Iterator[Source]:
    """List the files that an img, source, amp-img or input element names, in no order of quality."""
    for name, value in attributes.items():
        if name == "src":
            yield _source(value, rule, Rank.PLACEHOLDER if is_placeholder(value) else Rank.PLAIN)
        elif name == "srcset":
            yield from _sized(value, rule, Rank.PLAIN)
        elif name in LAZY_SRCSET:
            yield from _sized(value, "lazy", Rank.LAZY)
        elif name in _REAL_FILE and _is_reference(value):
            yield _source(value, "lazy", Rank.FULL_SIZE if name in FULL_SIZE else Rank.LAZY)
        else:
            yield from _background(name, value, Rank.BACKGROUND)


def offered_sources(attributes: Attributes) -> list[Source]:
    """List the files of one element of a <picture>, its best ones as equals of those that the other elements offer."""
    sources = list(picture_sources(attributes, "picture"))
    screens = screens_of(attributes.get("media", ""))
    best = min((source.rank for source in sources if source.rank > Rank.FULL_SIZE), default=Rank.PLACEHOLDER)
    if best == Rank.PLACEHOLDER:
        return sources
    return [source._replace(rank=Rank.SIZED, screens=screens) if source.rank == best else source for source in sources]


def background_sources(attributes: Attributes) -> Iterator[Source]:
    """List the lazily loaded background of any element, and the full-size file that a gallery keeps on it."""
    for name, value in attributes.items():
        if name in _REAL_FILE and has_image_extension(value):
            yield _source(value, "lazy", Rank.FULL_SIZE if name in FULL_SIZE else Rank.LAZY)
        else:
            yield from _background(name, value, Rank.LAZY)


def _background(name: str, value: str, rank: Rank) -> Iterator[Source]:
    if name in LAZY_BACKGROUND:
        urls = [url for picture in css_images(value) for url in picture] or [value]
        yield from (_source(url, "lazy", rank) for url in urls if _is_reference(url))
    elif name in LAZY_BACKGROUND_SRCSET:
        yield from _sized(value, "lazy", rank)


def _sized(srcset: str, rule: str, rank: Rank) -> Iterator[Source]:
    for entry in parse_srcset(srcset):
        is_sized = entry.width or (entry.density or 1) > 1
        yield _source(entry.url, rule, Rank.SIZED if is_sized else rank, entry.size)


def _source(url: str, rule: str, rank: Rank, size: tuple[int, int, float] = (0, 0, 1.0)) -> Source:
    return Source(url, rule, Rank.PLACEHOLDER if is_data_uri(url) else rank, size)


def _is_reference(value: str) -> bool:
    """Tell a URL from the flags, colours and numbers that the same attributes hold on other sites."""
    return "/" in value or has_image_extension(value)
