"""The attributes that name the files of one picture, lazy loaders' included, and which file is the best."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from enum import IntEnum
from typing import NamedTuple

from image_spider.extract.css_urls import css_images
from image_spider.extract.data_uri import is_data_uri
from image_spider.extract.lazy_attributes import FULL_SIZE, LAZY, LAZY_BACKGROUND, LAZY_BACKGROUND_SRCSET, LAZY_SRCSET
from image_spider.extract.srcset import parse_srcset
from image_spider.urls import MAX_URL_CHARACTERS, has_image_extension

Attributes = Mapping[str, str]

_REAL_FILE = FULL_SIZE | LAZY
_PLACEHOLDER = re.compile(
    r"(?:^|[/_.-])(?:spacer|blank|placeholder|transparent|pixel|1x1|loading|loader|lazy|dummy|empty)[^/]*\.\w+(?:\?|$)",
    re.IGNORECASE,
)


class Rank(IntEnum):
    """Which kinds of reference are better: the lower, the better."""

    FULL_SIZE = 0
    SIZED = 1  # an entry of a srcset that declares a width, or a density above 1x
    LAZY = 2
    PLAIN = 3
    PLACEHOLDER = 4


class Source(NamedTuple):
    """One file of a picture: its reference as written, the rule that found it, and what decides its order."""

    url: str
    rule: str
    rank: Rank
    size: tuple[int, int, float]


def picture_sources(attributes: Attributes, rule: str) -> Iterator[Source]:
    """List the files that an img, source, amp-img or input element names, in no order of quality."""
    for name, value in attributes.items():
        if name == "srcset":
            yield from _sized(value, rule, Rank.PLAIN)
        elif name in LAZY_SRCSET:
            yield from _sized(value, "lazy", Rank.LAZY)
        elif name == "src":
            is_placeholder = _PLACEHOLDER.search(value[:MAX_URL_CHARACTERS])
            yield _source(value, rule, Rank.PLACEHOLDER if is_placeholder else Rank.PLAIN)
        elif name in _REAL_FILE and _is_reference(value):
            yield _source(value, "lazy", Rank.FULL_SIZE if name in FULL_SIZE else Rank.LAZY)


def background_sources(attributes: Attributes) -> Iterator[Source]:
    """List the lazily loaded background of any element, and the full-size file that a gallery keeps on it."""
    for name, value in attributes.items():
        if name in LAZY_BACKGROUND:
            urls = [url for picture in css_images(value) for url in picture] or [value]
            yield from (_source(url, "lazy", Rank.LAZY) for url in urls if _is_reference(url))
        elif name in LAZY_BACKGROUND_SRCSET:
            yield from _sized(value, "lazy", Rank.LAZY)
        elif name in _REAL_FILE and has_image_extension(value):
            yield _source(value, "lazy", Rank.FULL_SIZE if name in FULL_SIZE else Rank.LAZY)


def best_first(sources: Iterable[Source]) -> list[Source]:
    """Order the files of one picture; a placeholder stays only where there is nothing better.

    Rank decides, then the declared width, then density, then the order in the document. Weakness: of `source`
    elements without descriptors the first wins, which for art direction may be the cut for small screens.
    """
    ordered = sorted(sources, key=lambda source: source.size, reverse=True)
    ordered.sort(key=lambda source: source.rank)
    return [source for source in ordered if source.rank < Rank.PLACEHOLDER] or ordered


def _sized(srcset: str, rule: str, rank: Rank) -> Iterator[Source]:
    for entry in parse_srcset(srcset):
        is_sized = entry.width or (entry.density or 1) > 1
        yield _source(entry.url, rule, Rank.SIZED if is_sized else rank, entry.size)


def _source(url: str, rule: str, rank: Rank, size: tuple[int, int, float] = (0, 0, 1.0)) -> Source:
    return Source(url, rule, Rank.PLACEHOLDER if is_data_uri(url) else rank, size)


def _is_reference(value: str) -> bool:
    """Tell a URL from the flags, colours and numbers that the same attributes hold on other sites."""
    return "/" in value or has_image_extension(value)
