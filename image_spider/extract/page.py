"""An HTML page -> its title, its links and its image candidates, in one pass."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace

from image_spider.extract.candidates import CandidateList, Draft, Found
from image_spider.extract.css_urls import css_images
from image_spider.extract.element_images import declared_size, described, element_images, found_picture
from image_spider.extract.html_events import HtmlTarget, read_html
from image_spider.extract.limits import MAX_LINKS
from image_spider.extract.nearby_text import SCOPES, TextScope, shorten
from image_spider.extract.picture_sources import Attributes, offered_sources, picture_sources
from image_spider.extract.references import References
from image_spider.extract.sources import Source
from image_spider.extract.structured_data import json_ld_images, microdata_images
from image_spider.items import Page
from image_spider.urls import has_image_extension, join

# elements whose text nobody sees, and elements that stand nowhere on the page
_SILENT = frozenset({"noscript", "script", "select", "style", "template", "textarea", "title"})
_INVISIBLE = frozenset({"link", "meta", "script", "style"})
_TRACKED = frozenset({"noscript", "svg"})
_META_IMAGES = {"og:image", "og:image:url", "og:image:secure_url", "twitter:image", "twitter:image:src"}
_ROBOTS = {"robots", "image_spider"}
_LINKING = frozenset({"a", "area", "link", "meta"})  # what is read even when there are images enough


def extract_page(html: str, url: str, *, max_data_uri_bytes: int) -> Page:
    """Read the title, the links and the image candidates of a page; it never raises, however broken the page is.

    What one page may give is bounded: see `limits`.
    url is where the page came from; <base href> is honoured. Images in data: URIs are decoded up to
    max_data_uri_bytes bytes, larger ones are left out.
    """
    finder = _BaseFinder()
    if "<base" in html.lower():
        read_html(html, finder)
    reader = _PageReader(url, join(url, finder.href or "") or url, max_data_uri_bytes=max_data_uri_bytes)
    read_html(html, reader)
    return reader.page()


class _BaseFinder(HtmlTarget):
    """Find the first <base href>, which holds for the whole page, also for what stands before it."""

    href: str | None = None

    def start(self, tag: str, attributes: Attributes) -> None:
        super().start(tag, attributes)
        if tag == "base" and self.href is None:
            self.href = attributes.get("href")


class _PageReader(HtmlTarget):
    """The state of one pass: what is open at this point of the page, and what was found so far."""

    def __init__(self, url: str, base: str, *, max_data_uri_bytes: int) -> None:
        self._references = References(base)
        self._own_url = join(url, url)
        self._links: dict[str, None] = {}
        self._candidates = CandidateList(self._references, max_data_uri_bytes=max_data_uri_bytes)
        self._titles = {"title": "", "og:title": ""}
        self._scope = TextScope()
        self._scopes = [self._scope]
        self._silent: list[list[str]] = []  # the texts of every open element that shows none
        self._open: Counter[str] = Counter()
        self._item_types = [""]  # of the microdata item around every open element
        self._pictures: list[list[Source]] = []  # the sources of every open <picture> that still wait for their img
        self._in_json_ld = False
        self._meta_images: dict[str, Draft | None] = {}
        self._robots: set[str] = set()

    def start(self, tag: str, attributes: Attributes) -> None:
        super().start(tag, attributes)
        self._item_types.append(attributes.get("itemtype", "") if "itemscope" in attributes else self._item_types[-1])
        if tag in SCOPES:
            self._scope = TextScope(tag, self._scope)
            self._scopes.append(self._scope)
        if tag in _SILENT:
            self._silent.append([])
        if tag in _TRACKED:
            self._open[tag] += 1
        if tag == "script":
            self._in_json_ld = "ld+json" in attributes.get("type", "").lower()
        if tag == "picture":
            self._pictures.append([])
        if attributes and (tag in _LINKING or not self._candidates.is_full):
            self._add_all(tag, self._read_element(tag, attributes))

    def end(self, tag: str) -> None:
        if tag == "picture":  # no img came: a browser shows nothing, but a script may
            self._add_all(tag, found_picture(self._pictures.pop(), {}))
        if tag in _SILENT:
            self._read_content(tag, "".join(self._silent[-1]))
            self._silent.pop()
        if tag in _TRACKED:
            self._open[tag] -= 1
        if tag in SCOPES:
            self._close_scope()
        self._item_types.pop()
        super().end(tag)

    def data(self, text: str) -> None:
        if self._silent:
            self._silent[-1].append(text)
        else:
            self._scope.add(text)

    def page(self) -> Page:
        """Settle the texts and give the result."""
        while self._scope.parent:
            self._close_scope()
        self._scope.close()
        for scope in self._scopes:
            scope.settle()
        title = shorten(self._titles["title"] or self._titles["og:title"])
        return Page(
            title,
            tuple(self._links),
            self._candidates.candidates(),
            nofollow=not self._robots.isdisjoint({"nofollow", "none"}),
            noimageindex=not self._robots.isdisjoint({"noimageindex", "none"}),
        )

    def _close_scope(self) -> None:
        self._scope.close()
        self._scope = self._scope.parent or self._scope

    def _read_content(self, tag: str, text: str) -> None:
        """Read the elements whose text is no text of the page: title, style, script and noscript."""
        if tag == "title" and not self._open.total():
            self._titles["title"] = self._titles["title"] or shorten(text)
        elif tag == "style":
            self._add_all(tag, (Found(urls, "css") for urls in css_images(text)))
        elif tag == "script" and self._in_json_ld:
            self._add_all(tag, json_ld_images(text))
        elif tag == "noscript" and "<" in text and self._open["noscript"] == 1:
            read_html(text, self)  # lazy loaders write escaped HTML there; one level of it is enough

    def _read_element(self, tag: str, attributes: Attributes) -> Iterator[Found]:
        """Take what an element says, and list its images: first those that depend on what is open around it."""
        if tag == "img":
            yield from self._read_img(attributes)
        elif tag == "source":
            self._read_source(attributes)
        elif tag in ("a", "area"):
            yield from self._read_anchor(attributes)
        elif tag == "meta":
            self._read_meta(attributes)
        elif tag == "link" and "next" in attributes.get("rel", "").lower().split():
            self._add_link(self._references.resolve(attributes.get("href", "")))
        yield from element_images(tag, attributes)
        if "itemprop" in attributes:
            yield from microdata_images(tag, attributes, self._item_types[-1] if self._item_types else "")

    def _read_img(self, attributes: Attributes) -> Iterator[Found]:
        if self._pictures:
            sources = self._pictures[-1] + offered_sources(attributes)
            self._pictures[-1] = []
            return found_picture(sources, attributes)
        return found_picture(picture_sources(attributes, "img"), attributes)

    def _read_source(self, attributes: Attributes) -> None:
        media_type = attributes.get("type", "image/").strip().lower()
        if self._pictures and media_type.startswith("image/"):
            self._pictures[-1].extend(offered_sources(attributes))

    def _read_anchor(self, attributes: Attributes) -> Iterator[Found]:
        href = attributes.get("href", "")
        url = self._references.resolve(href)
        if url and has_image_extension(url):
            yield described((href,), "anchor", attributes)
        elif "nofollow" not in attributes.get("rel", "").lower().split():
            self._add_link(url)

    def _add_link(self, url: str | None) -> None:
        if url and url != self._own_url and len(self._links) < MAX_LINKS:
            self._links[url] = None

    def _read_meta(self, attributes: Attributes) -> None:
        """Take what robots may do, and Open Graph and Twitter images.

        :alt, :width and :height describe the image named before them.
        """
        name = (attributes.get("property") or attributes.get("name") or "").strip().lower()
        content = attributes.get("content", "")
        kind, _, detail = name.partition(":image")
        draft = self._meta_images.get(kind)
        if name in _META_IMAGES:
            self._meta_images[kind] = self._add("meta", Found((content,), "meta"))
        elif name in _ROBOTS:
            self._robots.update(content.lower().replace(",", " ").split())
        elif name == "og:title":
            self._titles[name] = self._titles[name] or content
        elif draft and detail == ":alt":
            draft.describe(Found((), "meta", alt=content))
        elif draft and detail in (":width", ":height"):
            width, height = declared_size({detail[1:]: content})
            draft.describe(Found((), "meta", width=width, height=height))

    def _add_all(self, tag: str, pictures: Iterable[Found]) -> None:
        for found in pictures:
            self._add(tag, found)
            if self._candidates.is_full:  # the rest of a style sheet or script is not even read
                break

    def _add(self, tag: str, found: Found) -> Draft | None:
        if self._open["noscript"]:
            found = replace(found, source="noscript")
        return self._candidates.add(found, None if tag in _INVISIBLE else self._scope)
