"""The words around an image: the text of its block and the caption of its figure, in one pass over the page."""

from __future__ import annotations

TEXT_CHARACTERS = 200
CAPTION_CHARACTERS = 1000

BLOCKS = frozenset(
    [
        "address",
        "article",
        "aside",
        "blockquote",
        "body",
        "caption",
        "center",
        "dd",
        "details",
        "dialog",
        "div",
        "dl",
        "dt",
        "fieldset",
        "figcaption",
        "figure",
        "footer",
        "form",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "header",
        "hgroup",
        "li",
        "main",
        "nav",
        "ol",
        "p",
        "pre",
        "section",
        "summary",
        "table",
        "tbody",
        "td",
        "tfoot",
        "th",
        "thead",
        "tr",
        "ul",
    ]
)
SCOPES = BLOCKS | {"a"}  # an anchor's text is wanted too, but it is no block


class TextScope:
    """The text of one element while the page is read.

    Text goes to the innermost open scope and, when that is closed, up to its parent. Each scope keeps only as much
    as is needed, so the whole page costs one look at every character.
    """

    __slots__ = ("_limit", "_pieces", "_size", "caption", "figure", "is_block", "nearby", "parent", "text")

    def __init__(self, tag: str = "body", parent: TextScope | None = None) -> None:
        self.parent = parent
        self.is_block = tag in BLOCKS
        self.figure: TextScope | None = self if tag == "figure" else parent.figure if parent else None
        self.caption: TextScope | None = None  # of a figure: its first figcaption
        if tag == "figcaption" and self.figure and not self.figure.caption:
            self.figure.caption = self
        self.text = ""
        self.nearby = ""
        self._pieces: list[str] = []
        self._size = 0
        self._limit = CAPTION_CHARACTERS if tag in ("figcaption", "a") else TEXT_CHARACTERS

    def add(self, text: str) -> None:
        """Take a piece of text, unless there is enough."""
        if self._size >= self._limit:
            return
        piece = " ".join(text.split(None, self._limit))
        if piece != text:
            piece = f"{' ' * text[0].isspace()}{piece}{' ' * text[-1].isspace()}" if piece else " "
        piece = piece[: self._limit + 1]
        if piece != " " or (self._pieces and self._pieces[-1] != " "):
            self._pieces.append(piece)
            self._size += len(piece.strip())

    def close(self) -> None:
        """End the element: settle its text and hand it to the parent, a block's with white space around."""
        if not self._pieces:
            return
        raw = "".join(self._pieces)
        self._pieces.clear()
        self.text = shorten(raw, self._limit)
        if self.parent:
            self.parent.add(f" {raw} " if self.is_block else raw)

    def settle(self) -> None:
        """Set nearby to the text of the closest block that has any; parents must be settled before children."""
        own = self.text[:TEXT_CHARACTERS].rstrip() if self.is_block else ""
        self.nearby = own or (self.parent.nearby if self.parent else "")


def shorten(text: str, limit: int = CAPTION_CHARACTERS) -> str:
    """Collapse white space and cut the text at a number of characters."""
    return " ".join(text.split())[:limit].rstrip()
