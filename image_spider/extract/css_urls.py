"""Image URLs in CSS: style sheets and `style` attributes."""

from __future__ import annotations

import re
from collections.abc import Iterator

# Possessive quantifiers, and strings that may stay open, keep every pattern linear in the length of the text.
_STRING = r"""(?:"(?:[^"\\\n]|\\.)*+"?|'(?:[^'\\\n]|\\.)*+'?)"""
_URL = rf"""url\(\s*+(?P<url>{_STRING}|(?:[^"'()\\\s]|\\.)*+)\s*+(?:\)|\Z)"""
_NO_PARENTHESES = rf"""(?:[^()"']|{_STRING})"""
_TOKENS = re.compile(
    rf"""
    /\*.*?(?:\*/|\Z)                       # a comment
    | @font-face\s*+\{{[^}}]*+             # fonts are not images,
    | @(?:import|namespace)\b[^;]*+        # and neither are other style sheets
    | image-set\((?P<options>(?:{_NO_PARENTHESES}|\({_NO_PARENTHESES}*+\))*+)\)
    | {_URL}
    | {_STRING}                            # text that may look like anything
    """,
    re.IGNORECASE | re.DOTALL | re.VERBOSE,
)
_OPTION = re.compile(
    rf"""
    {_URL}
    | type\([^)]*+\)
    | (?P<string>{_STRING})
    | (?P<number>\d{{1,9}}(?:\.\d{{1,9}})?|\.\d{{1,9}})(?P<unit>x|dppx|dpi|dpcm)\b
    """,
    re.IGNORECASE | re.DOTALL | re.VERBOSE,
)
_DENSITY_OF_UNIT = {"x": 1.0, "dppx": 1.0, "dpi": 1 / 96, "dpcm": 2.54 / 96}  # CSS Values 4, section 7.4
_ESCAPE = re.compile(r"\\(?:([0-9a-f]{1,6})\s?|\n|(.))", re.IGNORECASE | re.DOTALL)
_OTHER_FILE = re.compile(r"\.(?:woff2?|ttf|otf|eot|css|js|htc|html?|xml|mp4|webm|cur)(?:[?#]|$)", re.IGNORECASE)


def css_images(text: str) -> Iterator[tuple[str, ...]]:
    """List the images that CSS text names, as written and in order; an image-set() is one picture, sharpest first.

    Left out: @import, fonts, files whose extension is that of no image. Broken CSS gives what can be read in it.
    """
    if "(" not in text:
        return
    for token in _TOKENS.finditer(text):
        urls: tuple[str, ...] = ()
        if token["options"] is not None:
            urls = _image_set(token["options"])
        elif token["url"] is not None:
            urls = (_unquote(token["url"]),)
        if kept := tuple(url for url in urls if url and not _OTHER_FILE.search(url)):
            yield kept


def css_pixels(style: str, name: str) -> int | None:
    """Read one property of a `style` attribute in whole pixels; None when it is absent, zero or in another unit."""
    found = re.search(rf"(?ai)(?:^|;)\s*{name}\s*:\s*(\d{{1,6}})(?:\.\d*)?px", style)
    return (int(found[1]) or None) if found else None


def _image_set(options: str) -> tuple[str, ...]:
    """Order the URLs of an image-set() by their resolution, which follows the URL and is 1x when it is absent."""
    densities: list[tuple[str, float]] = []
    for part in _OPTION.finditer(options):
        url = part["url"] or part["string"]
        if url:
            densities.append((_unquote(url), 1.0))
        elif part["number"] and densities:
            density = float(part["number"]) * _DENSITY_OF_UNIT[part["unit"].lower()]
            densities[-1] = (densities[-1][0], density)
    return tuple(url for url, _ in sorted(densities, key=lambda option: option[1], reverse=True))


def _unquote(token: str) -> str:
    """Take the quotes from a token and replace its CSS escapes."""
    if token[:1] in ("'", '"'):
        token = token[1:].removesuffix(token[0])
    return _ESCAPE.sub(_character, token)


def _character(escape: re.Match[str]) -> str:
    if escape[1] is None:
        return escape[2] or ""
    code = int(escape[1], 16)
    return chr(code) if 0 < code <= 0x10FFFF and not 0xD800 <= code <= 0xDFFF else "\ufffd"
