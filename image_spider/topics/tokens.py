"""Text as tokens: a word of an alphabet, a single Chinese or Japanese character, or a mark that ends a phrase."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Container
from urllib.parse import unquote, urlsplit

from image_spider.topics.chinese import simplified

# Scripts without spaces between words: each of their characters is a token, and a word is a phrase of them.
_NO_SPACES = "\u3005-\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003134f"
_TOKEN = re.compile(rf"[^\W\d_{_NO_SPACES}]+|[{_NO_SPACES}]|[.,;:!?|()/\\\"“”、。·…]")
_ASCII_TOKEN = re.compile(r"[a-zA-Z]+|[.,;:!?|()/\\\"]")  # the same of ASCII text, in half the time
_CAMEL = re.compile(r"[a-z][A-Z]|[A-Z][A-Z][a-z]")
_CAMEL_CUT = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")

_SIZE = re.compile(r"\d+[xX]\d+")
# Identifiers and digests spell words by chance ("0bed43f9"): letters between digits, or hexadecimal digits in a row.
_RANDOM = re.compile(r"(?=[a-zA-Z]*\d+[a-zA-Z]+\d)[a-zA-Z0-9]{6,}|(?=[a-fA-F]*\d)[0-9a-fA-F]{8,}(?![a-zA-Z0-9])")


def tokens(text: str, known: Container[str] = ()) -> list[str]:
    """Return the tokens of a text, casefolded; digits, spaces, hyphens and underscores only separate.

    Traditional Chinese becomes simplified. A word with capitals inside ("SunsetBeach") is cut at them, unless the
    whole is known ("YouTube").
    """
    pattern = _ASCII_TOKEN
    if not text.isascii():
        text, pattern = simplified(unicodedata.normalize("NFKC", text)), _TOKEN
    if not _CAMEL.search(text):
        return pattern.findall(text.casefold())
    found: list[str] = []
    for token in pattern.findall(text):
        whole = token.casefold()
        if whole in known or not _CAMEL.search(token):
            found.append(whole)
        else:
            found += [part.casefold() for part in _CAMEL_CUT.split(token)]
    return found


def is_unspaced(word: str) -> bool:
    """Tell whether a word is written in a script without spaces between words."""
    return re.fullmatch(f"[{_NO_SPACES}]+", word) is not None


def path_words(url: str) -> str:
    """Return the path of a URL as text: percent-decoded, without sizes (800x600), identifiers and digests.

    Host and query are left out: they name the site and how a picture is cut more often than what it shows. A data:
    URI has no words.
    """
    if url.startswith("data:"):
        return ""
    path = unquote(urlsplit(url).path).replace("+", " ")
    return _RANDOM.sub(" ", _SIZE.sub(" ", path))
