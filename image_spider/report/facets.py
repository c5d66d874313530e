"""What the images of a report are counted and filtered by. A new facet is one line of FACETS."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from image_spider.catalog.duplicates import DUPLICATES
from image_spider.catalog.schema import images
from image_spider.imaging.classes import SIZE_CLASSES

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement

NO_VALUE = "none"


@dataclass(frozen=True, slots=True)
class Facet:
    """One property of an image that has few values.

    column is a text expression over `images`: a number is cut into named ranges there, with `case`. order gives
    the values that have a natural order; values that are not in it follow, the commonest first.
    """

    name: str  # its key in the page's data and address: not one of q, sort, view, cause, image
    label: str
    column: ColumnElement[Any]
    order: tuple[str, ...] = ()

    def value(self, value: Any) -> str:
        """Name one value of the column."""
        return NO_VALUE if value is None else str(value)

    def sorted(self, counts: dict[Any, int]) -> dict[str, int]:
        """Return the counts by name of value, in the order in which they are shown."""
        named = {self.value(value): count for value, count in counts.items()}
        rank = {value: place for place, value in enumerate(self.order)}
        ranked = sorted(named, key=lambda value: (rank.get(value, len(rank)), -named[value], value))
        return {value: named[value] for value in ranked}


FACETS = (
    Facet("format", "Format", images.c.format),
    Facet("size_class", "Size", images.c.size_class, (*(name for _, name in SIZE_CLASSES), "xlarge")),
    Facet("shape", "Shape", images.c.shape, ("square", "portrait", "landscape", "banner")),
    Facet("duplicates", "Duplicates", DUPLICATES, ("original", "pixel", "same", "near")),
    Facet("integrity", "Integrity", images.c.integrity, ("ok",)),
)
