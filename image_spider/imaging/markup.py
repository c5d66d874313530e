"""The first start tag of a text in XML or HTML, found without a parser.

A parser expands entities, in attributes as well; drawing programs declare harmless ones, attackers the other kind.
So nothing is expanded here: `&name;` stays as it is.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass

HEAD_BYTES = 65_536  # the first tag must stand in these; licences and declarations before it take a few thousand
SPACE = re.compile(r"[\s\x00]*")
NAME = re.compile(r"<(?:[\w.-]+:)?([A-Za-z_][\w.-]*)")
ATTRIBUTE = re.compile(r"""\s+([\w:.-]+)\s*=\s*("[^"<]*"|'[^'<]*')""")
SUBSET_END = re.compile(r"\]\s*>")


@dataclass(frozen=True, slots=True)
class StartTag:
    """A start tag: its name without prefix in lower case, its attributes, whether it is <name/>, where it ends."""

    name: str
    attributes: dict[str, str]
    is_empty: bool
    end: int


def text_of(data: bytes) -> str:
    """Decode a text without its byte order mark; never raises.

    UTF-16 is told by its mark. Everything else is read byte by byte as Latin-1: names and numbers are ASCII in
    every encoding of the web, and no other part is looked at.
    """
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return data.decode("utf-16", "replace")
    return data.removeprefix(codecs.BOM_UTF8).decode("latin-1")


def first_tag(text: str) -> StartTag | None:
    """Return the first start tag behind prolog, comments and document type; None when none is complete.

    A tag whose attributes are not well formed keeps those before the fault.
    """
    position = _skip_prolog(text)
    match = NAME.match(text, position) if position >= 0 else None
    if match is None:
        return None
    attributes: dict[str, str] = {}
    position = match.end()
    while attribute := ATTRIBUTE.match(text, position):
        attributes.setdefault(attribute[1], attribute[2][1:-1])
        position = attribute.end()
    end = _behind(text, ">", position)
    return StartTag(match[1].lower(), attributes, text.endswith("/>", 0, end), end) if end >= 0 else None


def _skip_prolog(text: str) -> int:
    """Return where the first tag begins, or -1 when the text ends before it."""
    position = 0
    while position >= 0:
        position = _space_end(text, position)
        if text.startswith("<?", position):
            position = _behind(text, "?>", position)
        elif text.startswith("<!--", position):
            position = _behind(text, "-->", position)
        elif text.startswith("<!", position):
            position = _behind_declaration(text, position)
        else:
            break
    return position


def _space_end(text: str, position: int) -> int:
    match = SPACE.match(text, position)
    return match.end() if match else position


def _behind(text: str, mark: str, position: int) -> int:
    found = text.find(mark, position)
    return found + len(mark) if found >= 0 else -1


def _behind_declaration(text: str, position: int) -> int:
    """Return where a document type declaration ends, past the entities it may declare in brackets."""
    end, subset = text.find(">", position), text.find("[", position)
    if 0 <= subset < end:
        match = SUBSET_END.search(text, subset)
        return match.end() if match else -1
    return end + 1 if end >= 0 else -1
