"""The files of one picture, and which of them is the best."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from enum import IntEnum
from typing import NamedTuple

_USUAL_WIDTH = 640  # pixels of a file of which the page says nothing: a guess between a telephone's screen and a desk's
_MEDIA = re.compile(r"(?:(min|max)-width\s*:|width\s*([<>])=?)\s*([0-9]{1,5})(?:\.[0-9]+)?(px|r?em)", re.IGNORECASE)
_PIXELS_PER_UNIT = {"px": 1, "em": 16, "rem": 16}  # in media, an em is the browser's own font size, which is 16px


class Rank(IntEnum):
    """Which files of an element are better: the lower, the better."""

    FULL_SIZE = 0
    SIZED = 1  # an entry of a srcset that declares a width, or a density above 1x
    LAZY = 2
    PLAIN = 3
    BACKGROUND = 4  # of an element that may show a file, too
    PLACEHOLDER = 5


class Screens(NamedTuple):
    """The widths of screen in CSS pixels that a file is meant for; 0 is no limit."""

    at_least: int = 0
    at_most: int = 0


class Source(NamedTuple):
    """One file of a picture: its reference as written, the rule that found it, and what decides its order."""

    url: str
    rule: str
    rank: Rank
    size: tuple[int, int, float] = (0, 0, 1.0)  # declared width, height and density
    screens: Screens = Screens()

    def likely_width(self, unsaid: float = 0) -> float:
        """Give the declared width, or else the density times the width of the screens or, without those, `unsaid`."""
        width, _, density = self.size
        return width or min(density, 100) * (self.screens.at_most or self.screens.at_least or unsaid)

    def order(self, unsaid: float) -> tuple[float, ...]:
        """Give what sorts the files of a picture: the least is the best."""
        return self.rank, -self.likely_width(unsaid), bool(self.screens.at_most), -self.size[1]


def best_first(sources: Iterable[Source], shown_width: int | None) -> list[Source]:
    """Order the files of one picture, the largest first; a placeholder stays only where there is nothing better.

    Rank decides, then the likely width (of equal ones, those not for small screens alone come first), then the
    declared height, then the order in the document: so of two formats with the same widths the first is taken.
    The likely width is what a `w` descriptor says; without one it is the greatest, or else the least, screen that
    `media` names, times the density. A file of which nothing is said counts as shown_width, the width attribute of
    the img, or as 640 pixels; but as wider than every file for screens up to some width, and as narrower than those
    for screens from some width, for it stands for all the others. Weakness: these are guesses; how many pixels a
    file has is known only once it is fetched.
    """
    ordered = list(sources)
    if len(ordered) < 2:
        return ordered
    unsaid = _unsaid_width(ordered, shown_width or _USUAL_WIDTH)
    ordered.sort(key=lambda source: source.order(unsaid))
    return [source for source in ordered if source.rank < Rank.PLACEHOLDER] or ordered


def screens_of(media: str) -> Screens:
    """Read the widths in a media attribute, for example (max-width: 600px) or (width >= 40em)."""
    limits = {"min": 0, "max": 0}
    for name, sign, number, unit in _MEDIA.findall(media):
        kind = name.lower() or ("max" if sign == "<" else "min")
        limits[kind] = max(limits[kind], int(number) * _PIXELS_PER_UNIT[unit.lower()])
    return Screens(limits["min"], limits["max"])


def _unsaid_width(sources: list[Source], usual: int) -> float:
    has_largest = any(source.screens.at_least and not source.screens.at_most for source in sources)
    large = (source.likely_width() for source in sources if has_largest and source.screens.at_least)
    small = (
        source.likely_width()
        for source in sources
        if source.screens.at_most and not (has_largest and source.screens.at_least)
    )
    return min(max(usual, max(small, default=0) + 1), min(large, default=math.inf) - 1)
