"""The Lua scripts, read from the package: `-- include <file>` lines stand for the text of another file."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

_INCLUDE = re.compile(r"^-- include (\w+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Script:
    """A script's text and the SHA-1 by which Redis knows it."""

    text: str
    sha: str


@cache
def load(verb: str) -> Script:
    """Read lua/<verb>.lua with what it includes."""
    return compose(_read(verb))


def compose(text: str) -> Script:
    """Put the included files into a script's text."""
    whole = _INCLUDE.sub(lambda found: _read(found[1]), text)
    return Script(whole, hashlib.sha1(whole.encode(), usedforsecurity=False).hexdigest())


def _read(name: str) -> str:
    return (files("image_spider.broker") / "lua" / f"{name}.lua").read_text(encoding="utf-8")
