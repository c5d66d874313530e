"""What an image is about, as far as the words beside it tell."""

from __future__ import annotations

import re
from collections.abc import Iterable


def mentions(categories: Iterable[str], texts: Iterable[str]) -> bool:
    """Tell whether any category stands in the texts as a word or the beginning of one ("cat" in "cats", not "scat")."""
    words = " ".join(texts).casefold()
    return any(re.search(rf"(?<![^\W_]){re.escape(category)}", words) for category in categories)
