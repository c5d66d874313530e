"""The image candidates of one page: one per URL, with everything that the page says about it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import islice

from image_spider.extract.data_uri import DataImage, decode_data_uri, is_data_uri
from image_spider.extract.limits import MAX_ALTERNATIVES, MAX_CANDIDATES
from image_spider.extract.nearby_text import TextScope, shorten
from image_spider.extract.references import References
from image_spider.items import Candidate

# What templates leave where a URL should be: {{ src }}, ${src}, <%= src %>, {width}.
_TEMPLATE = re.compile(r"\{\{|\$\{|<%|\{\w+\}")
_NO_URL = ("#", "[", "{")  # how a fragment and a JSON value begin


@dataclass(frozen=True, slots=True)
class Found:
    """A picture that the markup names: its references as written, best first, and what is said of it.

    source is the rule that found it: img, picture, lazy, noscript, css, meta, link, json-ld, microdata, anchor,
    poster, amp-img, svg, input or object; a picture that is a data: URI becomes `data`.
    """

    references: tuple[str, ...]
    source: str
    alt: str = ""
    title: str = ""
    caption: str = ""
    width: int | None = None
    height: int | None = None


@dataclass(slots=True)
class Draft:
    """A candidate while the page is read: the text around it is known only at the end."""

    url: str
    source: str
    data: bytes | None = None
    media_type: str = ""
    alternatives: dict[str, None] = field(default_factory=dict)
    alt: str = ""
    title: str = ""
    caption: str = ""
    width: int | None = None
    height: int | None = None
    places: list[TextScope] = field(default_factory=list)

    def describe(self, found: Found) -> None:
        """Fill what is still empty from another mention of the same picture."""
        self.alt = self.alt or (found.alt and shorten(found.alt))
        self.title = self.title or (found.title and shorten(found.title))
        self.caption = self.caption or (found.caption and shorten(found.caption))
        self.width = self.width or found.width
        self.height = self.height or found.height

    def candidate(self) -> Candidate:
        """Settle the words around it; every TextScope of the page must be settled."""
        own_text = (place.text for place in self.places if not place.is_block) if self.source == "anchor" else ()
        captions = (place.figure.caption.text for place in self.places if place.figure and place.figure.caption)
        return Candidate(
            url=self.url,
            source=self.source,
            alternatives=tuple(islice(self.alternatives, MAX_ALTERNATIVES)),
            alt=self.alt,
            title=self.title,
            caption=self.caption or _first(own_text) or _first(captions),
            text=_first(place.nearby for place in self.places),
            width=self.width,
            height=self.height,
            data=self.data,
            media_type=self.media_type,
        )


class CandidateList:
    """Collect what the markup names, resolve it and merge what is the same picture, until it is full."""

    def __init__(self, references: References, *, max_data_uri_bytes: int) -> None:
        self._references = references
        self._max_data_uri_bytes = max_data_uri_bytes
        self._drafts: dict[str, Draft] = {}

    @property
    def is_full(self) -> bool:
        """Say whether the page has given MAX_CANDIDATES."""
        return len(self._drafts) >= MAX_CANDIDATES

    def add(self, found: Found, place: TextScope | None = None) -> Draft | None:
        """Take a picture and where its text stands; None when no reference leads to an image, or the list is full."""
        if self.is_full:
            return None
        urls = dict.fromkeys(url for reference in found.references if (url := self._resolve(reference)))
        if urls:
            url, *alternatives = urls
            draft = self._drafts.setdefault(url, Draft(url, found.source))
            draft.alternatives.update(dict.fromkeys(alternatives))
        elif image := self._first_data_image(found.references):
            draft = self._drafts.setdefault(image.url, Draft(image.url, "data", image.data, image.media_type))
        else:
            return None
        draft.describe(found)
        if place:
            draft.places.append(place)
        return draft

    def candidates(self) -> tuple[Candidate, ...]:
        """Give every candidate in the order of its first mention."""
        return tuple(draft.candidate() for draft in self._drafts.values())

    def _resolve(self, reference: str) -> str | None:
        if reference.lstrip().startswith(_NO_URL) or _TEMPLATE.search(reference[:4096]):
            return None
        return self._references.resolve(reference)

    def _first_data_image(self, references: Iterable[str]) -> DataImage | None:
        images = (
            decode_data_uri(reference, max_bytes=self._max_data_uri_bytes)
            for reference in references
            if is_data_uri(reference)
        )
        return next((image for image in images if image), None)


def _first(texts: Iterable[str]) -> str:
    """Give the first text that is not empty."""
    return next((text for text in texts if text), "")
