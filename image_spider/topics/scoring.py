"""The outputs of a label model as topics."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from image_spider.items import Topic

SOURCE = "model"
Scores = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Grouping:
    """Which labels say which topic: columns lists the labels topic by topic, starts where each topic begins there."""

    names: tuple[str, ...]
    columns: NDArray[np.intp]
    starts: NDArray[np.intp]

    @classmethod
    def of(cls, topics: Sequence[str | None]) -> Self:
        """Group labels by topic; None is a label that says no topic."""
        places: dict[str, list[int]] = {}
        for place, topic in enumerate(topics):
            if topic:
                places.setdefault(topic, []).append(place)
        starts = np.cumsum([0, *map(len, places.values())])[:-1]
        return cls(tuple(places), np.concatenate([np.asarray(group) for group in places.values()]), starts)

    def together(self, probabilities: Scores, *, exclusive: bool) -> Scores:
        """Return the score of each topic [N, topics]: the sum of its labels' probabilities, or the greatest."""
        reduce = np.add if exclusive else np.maximum
        scores: Scores = reduce.reduceat(probabilities[:, self.columns], self.starts, axis=1)
        return scores


@dataclass(frozen=True, slots=True, kw_only=True)
class Scoring:
    """How outputs [N, labels], or embeddings [N, D], become topics.

    texts [labels, D] are the unit text embeddings of an encoder. exclusive tells that the labels' probabilities sum up
    to 1: then the labels of one topic add up, else the greatest counts.
    """

    grouping: Grouping
    texts: Scores | None
    activation: str
    exclusive: bool
    temperature: float
    threshold: float
    top_k: int

    def label(self, outputs: Scores) -> list[tuple[Topic, ...]]:
        """Return the topics of each row, the surest first.

        A row that holds a value that is no number (a picture that overflows a model in half precision) has none.
        """
        with np.errstate(invalid="ignore", over="ignore"):
            scores = self.grouping.together(self.probabilities(outputs), exclusive=self.exclusive)
        return [self._surest(row) for row in scores]

    def probabilities(self, outputs: Scores) -> Scores:
        """Return the probability of each label [N, labels]; for an encoder, by its cosine with the label's text."""
        if self.texts is not None:
            outputs = unit(outputs) @ self.texts.T
        if self.activation == "softmax":
            return softmax(outputs / self.temperature)
        return sigmoid(outputs) if self.activation == "sigmoid" else outputs

    def _surest(self, scores: Scores) -> tuple[Topic, ...]:
        if not np.isfinite(scores).all():
            return ()
        rounded = np.round(np.clip(scores, 0, 1).astype(np.float64), 3)
        topics = [
            Topic(self.grouping.names[place], float(rounded[place]), SOURCE)
            for place in np.flatnonzero((rounded >= self.threshold) & (rounded > 0))
        ]
        return tuple(sorted(topics, key=lambda topic: (-topic.score, topic.name))[: self.top_k])


def sums_up_to_one(outputs: Scores) -> bool:
    """Tell whether each row is a probability distribution already."""
    return bool((outputs >= 0).all() and np.allclose(outputs.sum(axis=1), 1.0, atol=1e-3))


def unit(vectors: Scores) -> Scores:
    """Return vectors [N, D] of length 1; a zero vector stays."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    scaled: Scores = vectors / np.maximum(lengths, np.finfo(np.float32).tiny)
    return scaled


def softmax(values: Scores) -> Scores:
    """Return exp(v) / sum(exp(v)) of each row."""
    powers = np.exp(values - values.max(axis=1, keepdims=True))
    shares: Scores = powers / powers.sum(axis=1, keepdims=True)
    return shares


def sigmoid(values: Scores) -> Scores:
    """Return 1 / (1 + exp(-v)), without overflow."""
    halves: Scores = 0.5 * (1 + np.tanh(0.5 * values))
    return halves
