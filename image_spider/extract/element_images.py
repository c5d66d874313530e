"""What images one HTML element names by itself, whatever stands around it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator

from image_spider.extract.candidates import Found
from image_spider.extract.css_urls import css_images, css_pixels
from image_spider.extract.picture_sources import BACKGROUND_ATTRIBUTES, Attributes, background_sources, picture_sources
from image_spider.extract.sources import Source, best_first
from image_spider.extract.srcset import largest_first, parse_srcset
from image_spider.urls import has_image_extension

# Elements without any of these, and without a rule below, name no image.
_ANYWHERE = BACKGROUND_ATTRIBUTES | {"background", "style"}
_PIXELS = re.compile(r"\s*([0-9]{1,6})(?:\.[0-9]*)?\s*(?:px)?\s*", re.IGNORECASE)
_ICON_RELATIONS = {"icon", "apple-touch-icon", "apple-touch-icon-precomposed", "mask-icon"}


def element_images(tag: str, attributes: Attributes) -> Iterator[Found]:
    """List the images of an element: those of its tag, then its backgrounds and lazily loaded ones.

    Left to the reader of the page, for they depend on what stands around: img and source, a and area, meta.
    """
    rule = _RULES.get(tag)
    if rule:
        yield from rule(attributes)
    if _ANYWHERE.isdisjoint(attributes):
        return
    if background := attributes.get("background"):
        yield Found((background,), "css")
    if style := attributes.get("style"):
        yield from (Found(urls, "css") for urls in css_images(style))
    if tag not in _SOURCES_OF_THEIR_OWN:
        yield from found_picture(background_sources(attributes), attributes)


def found_picture(sources: Iterable[Source], attributes: Attributes) -> Iterator[Found]:
    """Make one picture of its files, described by the attributes of its element; nothing when there are no files."""
    ordered = best_first(sources, pixels(attributes.get("width", "")))
    if ordered:
        yield described(tuple(source.url for source in ordered), ordered[0].rule, attributes)


def described(references: tuple[str, ...], source: str, attributes: Attributes) -> Found:
    """Make a picture of its references and the words and sizes in the attributes of its element."""
    width, height = declared_size(attributes)
    alt, title = attributes.get("alt", ""), attributes.get("title", "")
    return Found(references, source, alt=alt, title=title, width=width, height=height)


def declared_size(attributes: Attributes) -> tuple[int | None, int | None]:
    """Read width and height in CSS pixels: the attributes, else the inline style; None for percentages and garbage."""
    width, height = pixels(attributes.get("width", "")), pixels(attributes.get("height", ""))
    if style := attributes.get("style"):
        width, height = width or css_pixels(style, "width"), height or css_pixels(style, "height")
    return width, height


def pixels(text: str) -> int | None:
    """Read a number of pixels such as 300, 300.5 or 300px, rounded down; None for zero and anything else."""
    found = text and _PIXELS.fullmatch(text)
    return (int(found[1]) or None) if found else None


def _amp_img(attributes: Attributes) -> Iterator[Found]:
    return found_picture(picture_sources(attributes, "amp-img"), attributes)


def _input(attributes: Attributes) -> Iterator[Found]:
    if attributes.get("type", "").strip().lower() == "image":
        yield from found_picture(picture_sources(attributes, "input"), attributes)


def _video(attributes: Attributes) -> Iterator[Found]:
    poster = attributes.get("poster") or attributes.get("data-poster")
    if poster:
        yield described((poster,), "poster", attributes)


def _svg_image(attributes: Attributes) -> Iterator[Found]:
    """Read an SVG <image>; outside SVG the tag is an old spelling of img, so src counts as well."""
    reference = attributes.get("href") or attributes.get("xlink:href") or attributes.get("src")
    if reference:
        yield described((reference,), "svg", attributes)


def _object(attributes: Attributes) -> Iterator[Found]:
    reference = attributes.get("data") or attributes.get("src") or ""
    media_type = attributes.get("type", "").strip().lower()
    if media_type.startswith("image/") or (not media_type and has_image_extension(reference)):
        yield described((reference,), "object", attributes)


def _link(attributes: Attributes) -> Iterator[Found]:
    relations = set(attributes.get("rel", "").lower().split())
    href = attributes.get("href", "")
    if "preload" in relations and attributes.get("as", "").strip().lower() == "image":
        entries = largest_first(parse_srcset(attributes.get("imagesrcset", "")))
        yield Found((*(entry.url for entry in entries), href), "link")
    elif "image_src" in relations or relations & _ICON_RELATIONS:
        yield Found((href,), "link")


_RULES: dict[str, Callable[[Attributes], Iterator[Found]]] = {
    "amp-img": _amp_img,
    "amp-anim": _amp_img,
    "input": _input,
    "video": _video,
    "amp-video": _video,
    "image": _svg_image,
    "object": _object,
    "embed": _object,
    "link": _link,
}
_SOURCES_OF_THEIR_OWN = {"img", "amp-img", "amp-anim", "source", "input"}
