"""Whether an image is wanted: the categories of a crawl, against the topics and words of an image."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Self

from image_spider.items import Topic
from image_spider.topics.chinese import simplified
from image_spider.topics.taxonomy import Taxonomy
from image_spider.topics.tokens import is_unspaced


class Categories:
    """The categories of one crawl: names of topics, in any language that the taxonomy knows, or other words.

    A word that names no topic of the taxonomy may name one of a model; beside that it matches an image when a word
    beside the image begins with it, or, when it is Chinese, where words have no spaces between, when it stands there.
    """

    def __init__(self, *, topics: Iterable[str], words: Iterable[str]) -> None:
        self._topics = {topic.casefold(): topic for topic in topics}
        self._words = tuple(words)

    @classmethod
    def of(cls, categories: Iterable[str], taxonomy: Taxonomy) -> Self:
        """Tell names of topics from other words."""
        names = {_folded(name): topic for topic, words in taxonomy.topics.items() for name in (topic, *words.names)}
        known = {category: names.get(_folded(category)) for category in categories}
        return cls(
            topics=[topic or category for category, topic in known.items()],
            words=[category for category, topic in known.items() if topic is None],
        )

    def match(self, topics: Iterable[Topic], texts: Iterable[str]) -> bool:
        """Tell whether an image of these topics, with these texts beside it, is wanted; without categories all are."""
        if not self._topics:
            return True
        if any(topic.name.casefold() in self._topics for topic in topics):
            return True
        texts = tuple(texts)
        return mentions(self._words, texts) or any(
            word in simplified(text) for word in map(simplified, self._words) if is_unspaced(word) for text in texts
        )

    def __str__(self) -> str:
        """Return the categories, as a failure's detail names them."""
        return " or ".join(sorted(self._topics.values()))


def mentions(categories: Iterable[str], texts: Iterable[str]) -> bool:
    """Tell whether any category stands in the texts as a word or the beginning of one ("cat" in "cats", not "scat")."""
    words = " ".join(texts).casefold()
    return any(re.search(rf"(?<![^\W_]){re.escape(category)}", words) for category in categories)


def _folded(name: str) -> str:
    return simplified(name.casefold())
