"""The `srcset` attribute: one string that names the same picture at several sizes."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from typing import NamedTuple

from image_spider.extract.limits import MAX_SRCSET_ENTRIES

_SPACE = r" \t\n\f\r"  # ASCII whitespace of the HTML standard
_URL = re.compile(rf"[{_SPACE},]*+([^{_SPACE}]+)")
# A descriptor ends at whitespace or a comma; parentheses hide both, do not nest and may stay open at the end.
_DESCRIPTOR = re.compile(rf"(?:[^{_SPACE},(]|\([^)]*+\)?)++")
_DESCRIPTORS = re.compile(rf"((?:[{_SPACE}]|{_DESCRIPTOR.pattern})*+),?")
_INTEGER = re.compile(r"[0-9]+")
_FLOAT = re.compile(r"-?(?:[0-9]+(?:\.[0-9]+)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_LONGEST_INTEGER = 18  # digits: int() refuses thousands of them, and no picture is that wide


class SrcsetEntry(NamedTuple):
    """One size of the picture: url as written, width and height in pixels, density in image pixels per CSS pixel."""

    url: str
    width: int | None = None
    density: float | None = None
    height: int | None = None

    @property
    def size(self) -> tuple[int, int, float]:
        """Order entries by size: declared width, then height, then density; none declared means 1x."""
        return self.width or 0, self.height or 0, 1.0 if self.density is None else self.density


def parse_srcset(text: str) -> list[SrcsetEntry]:
    """Read a srcset attribute into its entries, in the order written; entries with a wrong descriptor are left out.

    Reading ends after MAX_SRCSET_ENTRIES.
    Source: "parse a srcset attribute", https://html.spec.whatwg.org/multipage/images.html#parsing-a-srcset-attribute
    """
    entries = []
    position = 0
    for _ in range(MAX_SRCSET_ENTRIES):
        match = _URL.match(text, position)
        if not match:
            break
        url, position = match[1], match.end()
        descriptors: list[str] = []
        if url.endswith(","):
            url = url.rstrip(",")
        elif rest := _DESCRIPTORS.match(text, position):
            descriptors, position = _DESCRIPTOR.findall(rest[1]), rest.end()
        entry = _entry(url, descriptors)
        if entry:
            entries.append(entry)
    return entries


def largest_first(entries: Iterable[SrcsetEntry]) -> list[SrcsetEntry]:
    """Order entries from the largest to the smallest; equal ones keep their order.

    The attribute `sizes` plays no part: it says how wide the picture is shown, not how many pixels a file has.
    """
    return sorted(entries, key=lambda entry: entry.size, reverse=True)


def _entry(url: str, descriptors: list[str]) -> SrcsetEntry | None:
    """Apply the descriptors to a URL: `w` with or without `h`, or `x`, or none, and each once; else None."""
    values: dict[str, float] = {}
    for descriptor in descriptors:
        unit, value = descriptor[-1], _value(descriptor)
        if value is None or unit in values:
            return None
        values[unit] = value
    if values.keys() not in (set(), {"w"}, {"w", "h"}, {"x"}):
        return None
    width, height = values.get("w"), values.get("h")
    return SrcsetEntry(
        url,
        width=None if width is None else int(width),
        density=values.get("x"),
        height=None if height is None else int(height),
    )


def _value(descriptor: str) -> float | None:
    """Read the number of a descriptor: a positive integer before w and h, a float of at least 0 before x; else None."""
    number, unit = descriptor[:-1], descriptor[-1]
    if unit in "wh" and _INTEGER.fullmatch(number) and len(number) <= _LONGEST_INTEGER:
        return int(number) or None
    if unit == "x" and _FLOAT.fullmatch(number):
        density = float(number)
        return density if density >= 0 and math.isfinite(density) else None
    return None
