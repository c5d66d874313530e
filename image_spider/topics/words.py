"""What an image is about, as far as the words beside it tell."""

from __future__ import annotations

from collections.abc import Iterable

from image_spider.items import Candidate, Topic
from image_spider.topics.tokens import path_words
from image_spider.topics.vocabulary import Meaning, Vocabulary

SOURCE = "words"
# How far a word in each place is believed. Chosen by hand: written for this image first, written around it last.
ALT = CAPTION = 0.6
TITLE = 0.5
URL = 0.45
TEXT = 0.3
PAGE_TITLE = 0.2
WEAK = 0.4  # of a word with several meanings: 0.4 x 0.6 stays below LEAST, so it needs company
LEAST = 0.3  # a lower score is not told
MOST = 5  # topics of one image

Texts = list[tuple[float, str]]


def texts_of(candidate: Candidate, page_title: str) -> Texts:
    """Return the texts that speak of an image, each with its weight; a text that repeats another counts once."""
    text = candidate.text
    if candidate.caption:  # the text of a figure's block holds its caption
        text = text.replace(candidate.caption, " ")
    texts = (
        (ALT, candidate.alt),
        (CAPTION, candidate.caption),
        (TITLE, candidate.title),
        (URL, path_words(candidate.url)),
        (TEXT, text),
        (PAGE_TITLE, page_title),
    )
    heaviest: dict[str, float] = {}
    for weight, words in texts:
        heaviest.setdefault(words.strip(), weight)
    return [(weight, words) for words, weight in heaviest.items() if words]


def topics_of_words(texts: Iterable[tuple[float, str]], vocabulary: Vocabulary) -> tuple[Topic, ...]:
    """Return the topics that the words of weighted texts say, the surest first, at most MOST.

    A topic's score is 1 - product(1 - p) over its words (noisy-or; Pearl, Probabilistic Reasoning in Intelligent
    Systems, 1988, 4.3.2): two words are surer than one, and no number of them is certain. p of a strong word is the
    weight of the text, for each text that has it once; p of a weak word is WEAK times the greatest weight of the texts
    that have it, once for all of them. Scores are rounded to 3 digits; below LEAST there is no topic.

    Weakness: the weights are a judgement, not fitted to data, and the score is no probability; words of a page may
    speak of everything but its images.
    """
    doubts: dict[str, float] = {}
    weak: dict[Meaning, float] = {}
    for weight, text in texts:
        for meaning in vocabulary.meanings(text):
            for topic in meaning.strong:
                doubts[topic] = doubts.get(topic, 1.0) * (1 - weight)
            if meaning.weak:
                weak[meaning] = max(weight, weak.get(meaning, 0.0))
    for meaning, weight in weak.items():
        for topic in meaning.weak:
            doubts[topic] = doubts.get(topic, 1.0) * (1 - WEAK * weight)
    scores = {topic: round(1 - doubt, 3) for topic, doubt in doubts.items()}
    surest = sorted((name for name, score in scores.items() if score >= LEAST), key=lambda name: (-scores[name], name))
    return tuple(Topic(name, scores[name], SOURCE) for name in surest[:MOST])
