"""Images in schema.org data: JSON-LD scripts and microdata attributes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from image_spider.extract.candidates import Found
from image_spider.extract.element_images import described, pixels
from image_spider.extract.limits import MAX_JSON_LD_VALUES
from image_spider.extract.picture_sources import Attributes
from image_spider.urls import has_image_extension

_IMAGE_PROPERTIES = {"image", "thumbnail", "thumbnailUrl", "logo"}
_WRAPPING = re.compile(r"\A\s*+(?:<!--|(?://\s?)?<!\[CDATA\[)|(?:-->|(?://\s?)?\]\]>)\s*+\Z")
_REFERENCE_ATTRIBUTES = ("content", "src", "href", "data")


def read_json_ld(text: str) -> Any:
    """Return what a JSON-LD script holds, comment marks around it taken off; None when it cannot be read."""
    try:
        return json.loads(_WRAPPING.sub("", text) if text.strip()[:1] not in ("[", "{") else text, strict=False)
    except (ValueError, RecursionError):
        return None


def json_ld_images(text: str) -> Iterator[Found]:
    """List the images of a JSON-LD script in document order; JSON that cannot be read holds none.

    Reading ends after MAX_JSON_LD_VALUES.

    Taken are image, thumbnail, thumbnailUrl and logo (a string, an object or a list of them), and every ImageObject
    anywhere. contentUrl elsewhere, in a VideoObject for one, counts only when it ends like an image file.
    """
    pending: list[tuple[Any, bool]] = [
        (read_json_ld(text), False)
    ]  # values still to read, and whether an image is meant
    for _ in range(MAX_JSON_LD_VALUES):
        if not pending:
            break
        value, is_image = pending.pop()
        if isinstance(value, str) and is_image:
            yield Found((value,), "json-ld")
        elif isinstance(value, list):
            pending.extend((element, is_image) for element in reversed(value[:MAX_JSON_LD_VALUES]))
        elif isinstance(value, dict):
            is_image = is_image or _is_image_object(value.get("@type"))
            if is_image:
                yield _image_object(value)
            pending.extend(reversed(list(_properties(value, is_image=is_image))))


def microdata_images(tag: str, attributes: Attributes, item_type: str) -> Iterator[Found]:
    """List the image, if any, that an element with itemprop holds; item_type is that of the item around it.

    An element that opens an item of its own holds that item, not a URL.
    """
    if "itemscope" in attributes:
        return
    reference = next((attributes[name] for name in _REFERENCE_ATTRIBUTES if attributes.get(name)), "")
    names = set(attributes.get("itemprop", "").split())
    is_url_of_image = _is_image_object(item_type) and ("contentUrl" in names or ("url" in names and tag != "a"))
    is_image_file = "contentUrl" in names and has_image_extension(reference)
    if reference and (names & _IMAGE_PROPERTIES or is_url_of_image or is_image_file):
        yield described((reference,), "microdata", attributes)


def _image_object(node: dict[str, Any]) -> Found:
    references = (_string(node.get("contentUrl")), _string(node.get("url")))
    return Found(
        tuple(reference for reference in references if reference)[:1],
        "json-ld",
        title=_string(node.get("name")),
        caption=_string(node.get("caption")),
        width=_length(node.get("width")),
        height=_length(node.get("height")),
    )


def _properties(node: dict[str, Any], *, is_image: bool) -> Iterator[tuple[Any, bool]]:
    """List the values below a node, each with whether it is an image; an image's own URL is read already."""
    for name, value in node.items():
        is_file = name == "contentUrl" and not is_image and has_image_extension(_string(value))
        yield value, name in _IMAGE_PROPERTIES or is_file


def _is_image_object(item_type: Any) -> bool:
    types = item_type if isinstance(item_type, list) else [item_type]
    return any(isinstance(name, str) and name.strip().endswith("ImageObject") for name in types)


def _string(value: Any) -> str:
    """Give a string, or the first of a list; the empty string for anything else."""
    if isinstance(value, list) and value:
        value = value[0]
    return value if isinstance(value, str) else ""


def _length(value: Any) -> int | None:
    """Read a length: a number, a text such as "640 px", or a QuantitativeValue."""
    if isinstance(value, dict):
        value = value.get("value")
    return pixels(str(value)) if isinstance(value, (int, float, str)) else None
