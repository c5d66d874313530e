"""A value that is asked of every page, and where it is looked for."""

from __future__ import annotations

import re
from dataclasses import dataclass

from cssselect import SelectorError
from parsel import Selector

from image_spider.exceptions import UsageError

Value = str | list[str] | None  # None: the page has no such value

MAX_NAME_CHARACTERS = 100
_NAME = re.compile(rf"\w[\w .:-]{{0,{MAX_NAME_CHARACTERS - 1}}}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """A named value of a page.

    With a css or xpath selector the value is what that finds, and nothing else: its text, or the value of `attribute`.
    Without one it is looked for by its name, in the data that the page holds for machines (`names`). every asks for a
    list of all values instead of the first one.
    """

    name: str
    css: str = ""
    xpath: str = ""
    attribute: str = ""
    every: bool = False

    def check(self) -> None:
        """Raise UsageError for a name or a selector that cannot be used."""
        if not _NAME.fullmatch(self.name):
            allowed = f"a letter, then at most {MAX_NAME_CHARACTERS - 1} letters, digits, spaces and . : - _"
            raise UsageError("data_fields", self.name, allowed)
        try:
            self.select(Selector(text="<p>"))
        except (ValueError, SelectorError) as error:
            kind = "an XPath expression" if self.xpath else "a CSS selector"
            allowed = f"{kind} ({' '.join(str(error).split())})"
            raise UsageError(f"data_fields.{self.name}", self.xpath or self.css, allowed) from error

    def select(self, page: Selector) -> list[Selector] | None:
        """Return what the selector finds; None without a selector."""
        if self.xpath:
            return list(page.xpath(self.xpath))
        return list(page.css(self.css)) if self.css else None


def field_of(name: str, selector: str) -> Field:
    """Return the field of a name and a selector as people write it: XPath begins with / or (, anything else is CSS."""
    if selector.startswith(("/", "(", "./")):
        return Field(name=name, xpath=selector)
    return Field(name=name, css=selector)
