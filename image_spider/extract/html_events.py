"""HTML as a stream of opening tags, closing tags and texts."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress

from lxml import etree

# libxml2's own limit for trees; a stray closing tag costs it a look at every open element
MAX_DEPTH = 2048
_PIECE_CHARACTERS = 65_536


class HtmlTarget:
    """What lxml calls while it parses; see "The target parser interface", https://lxml.de/parsing.html."""

    _depth = 0

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:  # noqa: ARG002 (lxml sets the signature)
        """Take an opening tag; a closing one follows for each, written or not. RecursionError ends the reading."""
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise RecursionError(f"more than {MAX_DEPTH} elements are nested")

    def end(self, tag: str) -> None:  # noqa: ARG002
        """Take a closing tag."""
        self._depth -= 1

    def data(self, text: str) -> None:
        """Take a piece of text."""

    def close(self) -> None:
        """Take the end of the page."""


def read_html(html: str, target: HtmlTarget) -> None:
    """Send the elements and texts of HTML to a target, in document order; no text is so broken that it raises.

    Reading ends where more than MAX_DEPTH elements are nested. There is no tree: lxml looks each attribute of a tree
    up by its name, which takes minutes for an element with 100,000 attributes and raises ValueError for a name that
    XML forbids, such as `{`.
    """
    text = html.replace("\x00", "")
    if not text.strip():
        return
    parser = etree.HTMLParser(target=target, encoding="utf-8", huge_tree=True)
    with suppress(RecursionError):
        for position in range(0, len(text), _PIECE_CHARACTERS):  # in one piece, an error would not stop the parser
            parser.feed(text[position : position + _PIECE_CHARACTERS].encode("utf-8", "replace"))
        parser.close()
