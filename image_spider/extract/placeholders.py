"""The names of the files that stand where a picture is loaded later."""

from __future__ import annotations

import re

from image_spider.urls import MAX_URL_CHARACTERS

_NAME = "1x1|blank|dummy|empty|lazy(?:load(?:er)?)?|loader|loading|pixel|placeholder|preloader|spacer|transparent"
# Words that change nothing beside a name; numbers are none of them, for a pixel-8 is a telephone.
_BESIDE = "ajax|default|gr[ae]y|icon|image|img|spinner|white|woocommerce|[0-9]{1,4}x[0-9]{1,4}"
_PLACEHOLDER = re.compile(
    rf"(?:[^?#]*/)?+(?:(?:{_BESIDE})[-_.])*(?:{_NAME})(?:[-_.](?:{_NAME}|{_BESIDE}))*+\.\w+(?:[?#]|\Z)", re.IGNORECASE
)


def is_placeholder(reference: str) -> bool:
    """Say whether all of a file's name is that of a placeholder: spacer.gif, lazy-placeholder.png, not lazy-dog.jpg.

    Weakness: a photograph named blank.jpg is one too.
    """
    return _PLACEHOLDER.match(reference[:MAX_URL_CHARACTERS]) is not None
