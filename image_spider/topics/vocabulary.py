"""A taxonomy made ready: every form of every word, found in one pass over a text's tokens."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from image_spider.topics.english import plurals, verb_forms
from image_spider.topics.taxonomy import Taxonomy
from image_spider.topics.tokens import tokens


@dataclass(slots=True, eq=False)
class Meaning:
    """The topics that one word says, alone or only together with others; both empty for an ignored phrase.

    All forms of a word share one meaning, which is compared by identity.
    """

    strong: list[str] = field(default_factory=list)
    weak: list[str] = field(default_factory=list)


@dataclass(slots=True)
class _Node:
    """A place in the trie of all phrases: what the tokens so far mean, and where the next one leads."""

    meaning: Meaning | None = None
    following: dict[str, _Node] = field(default_factory=dict)


class Vocabulary:
    """Finds the words of a taxonomy in texts."""

    def __init__(self, taxonomy: Taxonomy) -> None:
        meanings: dict[tuple[str, ...], Meaning] = {}
        for topic, words in taxonomy.topics.items():
            for word in (*words.words, *words.verbs):
                _meaning(meanings, word).strong.append(topic)
            for word in words.weak:
                _meaning(meanings, word).weak.append(topic)
        for ignored in taxonomy.ignore:
            meanings[tuple(tokens(ignored))] = Meaning()  # says nothing, whatever topic has it too
        verbs = {tuple(tokens(verb)) for words in taxonomy.topics.values() for verb in words.verbs}
        self._first: dict[str, _Node] = {}
        for phrase, meaning in [*meanings.items(), *_forms(meanings, verbs)]:
            node = self._first.setdefault(phrase[0], _Node())
            for token in phrase[1:]:
                node = node.following.setdefault(token, _Node())
            node.meaning = node.meaning or meaning  # a word of the file wins over a form that looks like it

    def meanings(self, text: str) -> list[Meaning]:
        """Return what the words of a text mean, each word once, in the order of the text.

        At each place the longest phrase is taken and its words are used up.
        """
        found: dict[Meaning, None] = {}
        first, end = self._first, 0
        words = tokens(text, first)
        for number, word in enumerate(words):
            if word not in first or number < end:
                continue
            longest, place, node = None, number, first.get(word)
            while node:
                place += 1
                if node.meaning:
                    longest, end = node.meaning, place
                node = node.following.get(words[place]) if place < len(words) else None
            if longest:
                found[longest] = None
        return list(found)


def _meaning(meanings: dict[tuple[str, ...], Meaning], word: str) -> Meaning:
    return meanings.setdefault(tuple(tokens(word)), Meaning())


def _forms(
    meanings: dict[tuple[str, ...], Meaning], verbs: set[tuple[str, ...]]
) -> Iterator[tuple[tuple[str, ...], Meaning]]:
    """Yield plurals, verb forms and, as file names have them, phrases written as one word ("icecream")."""
    for phrase, meaning in meanings.items():
        *others, last = phrase
        if not last.isascii():
            continue
        for form in verb_forms(last) if phrase in verbs else plurals(last):
            yield (*others, form), meaning
            if others:
                yield ("".join((*others, form)),), meaning
        if others:
            yield ("".join(phrase),), meaning
