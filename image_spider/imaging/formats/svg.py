"""SVG: the size that its root element declares. Only the first start tag is read, and no entity is ever expanded."""

from __future__ import annotations

import math
import re

from image_spider.imaging.integrity import TRUNCATED, Damaged
from image_spider.imaging.markup import StartTag, first_tag, text_of
from image_spider.imaging.structure import Structure

DEFAULT_SIZE = (300.0, 150.0)  # what browsers give a picture that tells neither size nor aspect: CSS 2.1, 10.3.2
LENGTH = re.compile(r"\s*\+?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*([A-Za-z]*)\s*")
# CSS pixels per unit; em and rem at the default font size. A percentage is relative to the page, so it tells nothing.
UNITS = {
    "": 1.0, "px": 1.0, "pt": 96 / 72, "pc": 16.0, "in": 96.0, "cm": 96 / 2.54, "mm": 96 / 25.4, "q": 96 / 101.6,
    "em": 16.0, "rem": 16.0, "ex": 8.0,
}  # fmt: skip
MAX_SIDE = 2**31 - 1
CLOSING_TAG = re.compile(r"</(?:[\w.-]+:)?svg\s*>")
MISCELLANY = re.compile(r"[\s\x00]+|<!--.*?-->|<\?.*?\?>", re.DOTALL)


def read(data: bytes, _limit: int) -> Structure:
    """Read the size of an SVG in CSS pixels; raises Damaged when it has no start tag or no end."""
    text = text_of(data)
    tag = first_tag(text)
    if tag is None:
        raise Damaged(TRUNCATED, "the data ends before the first start tag does")
    width, height = _size(tag.attributes)
    return Structure(_side(width), _side(height), trailing=_trailing(text, tag))


def _size(attributes: dict[str, str]) -> tuple[float, float]:
    width, height = _length(attributes.get("width", "")), _length(attributes.get("height", ""))
    box = _view_box(attributes.get("viewBox", ""))
    if width and height:
        return width, height
    if box is None:
        return width or DEFAULT_SIZE[0], height or DEFAULT_SIZE[1]
    if width:
        return width, width * box[1] / box[0]
    if height:
        return height * box[0] / box[1], height
    return box


def _length(text: str) -> float | None:
    match = LENGTH.fullmatch(text) if len(text) < 64 else None
    if match is None or match[3].lower() not in UNITS:
        return None
    value = float(match[1] + (match[2] or "")) * UNITS[match[3].lower()]
    return value if 0 < value < math.inf else None


def _view_box(text: str) -> tuple[float, float] | None:
    parts = text.replace(",", " ").split() if len(text) < 256 else []
    if len(parts) != 4:
        return None
    width, height = _length(parts[2]), _length(parts[3])
    return (width, height) if width and height else None


def _side(length: float) -> int:
    return max(1, round(min(length, MAX_SIDE)))


def _trailing(text: str, tag: StartTag) -> int:
    """Return the number of characters behind the root element that are neither comments nor instructions."""
    position = tag.end
    if not tag.is_empty:
        closings = [match.end() for match in CLOSING_TAG.finditer(text, tag.end)]
        if not closings:
            raise Damaged(TRUNCATED, "the root element is not closed")
        position = closings[-1]
    while match := MISCELLANY.match(text, position):
        position = match.end()
    return len(text) - position
