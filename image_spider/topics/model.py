"""A label model: an ONNX file, and files beside it, that tell the topics of pictures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from image_spider.exceptions import LabelModelError, UsageError
from image_spider.items import Topic
from image_spider.parts import parts
from image_spider.topics.input_tensor import CLIP, DEFAULT_SIDE, IMAGENET, TYPES, InputTensor, input_layout
from image_spider.topics.model_card import SETTING, ModelCard, read_card, read_labels
from image_spider.topics.onnx_graph import OnnxGraph
from image_spider.topics.scoring import Grouping, Scores, Scoring, sums_up_to_one, unit

CHUNK = 32  # pictures in one run at most: 32 of 224 pixels are 19 MB as floats, and inside a model many times that
TEMPERATURE = 0.01  # of an encoder: CLIP's own, the inverse of its logit scale of 100


class LabelModel:
    """Tells topics of pictures. Blocks, lets other threads run meanwhile, and is safe to use from several at once."""

    def __init__(self, *, graph: OnnxGraph, tensor: InputTensor, scoring: Scoring) -> None:
        self.graph = graph
        self._tensor = tensor
        self._scoring = scoring

    @classmethod
    def load(cls, path: str | Path, *, threads: int = 1) -> Self:
        """Load NAME.onnx with NAME.labels.txt or .yaml, NAME.yaml and NAME.texts.npy beside it, and try it once.

        threads compute within one run. Raises UsageError that names what is missing or wrong.
        """
        path = Path(path)
        card = read_card(path)
        graph = OnnxGraph.load(path, threads=threads, output=card.output)
        topics, texts = read_labels(path), _texts(path, card)
        tensor = _tensor(path, graph, card, encodes=texts is not None)
        gray = np.full((tensor.side, tensor.side, 3), 128, dtype=np.uint8)
        try:
            outputs = np.concatenate([_rows(graph, tensor, [picture]) for picture in (gray, gray // 2)])
        except LabelModelError as error:
            raise UsageError(
                SETTING, path, f"a model that runs on {tensor.side} x {tensor.side} pictures ({error})"
            ) from error
        return cls(graph=graph, tensor=tensor, scoring=_scoring(path, card, topics, texts, outputs))

    @property
    def name(self) -> str:
        """Return the name and version: `<file name>@<first 12 digits of the SHA-256 of the ONNX file>`.

        Weakness: labels, text embeddings and weights in files of their own may change without it.
        """
        return self.graph.name

    @property
    def side(self) -> int:
        """Return the sides of the pictures that the model takes, in pixels."""
        return self._tensor.side

    def label(self, images: Sequence[NDArray[np.uint8]]) -> list[tuple[Topic, ...]]:
        """Return the topics of each RGB picture [side, side, 3], the surest first; raises LabelModelError."""
        step = self._tensor.batch or CHUNK
        return [
            topics
            for some in parts(images, step)
            for topics in self._scoring.label(_rows(self.graph, self._tensor, some))
        ]


def _rows(graph: OnnxGraph, tensor: InputTensor, images: Sequence[NDArray[np.uint8]]) -> Scores:
    return graph.run(tensor.of(images))[: len(images)]


def _texts(path: Path, card: ModelCard) -> Scores | None:
    """Read the text embeddings of an encoder, one row for each label; None for a classifier."""
    file = path.with_suffix(".texts.npy")
    if card.kind == "classifier" or (card.kind is None and not file.exists()):
        return None
    if card.activation not in (None, "softmax"):
        raise UsageError(SETTING, path, "an encoder has the activation softmax")
    try:
        texts = np.load(file, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise UsageError(SETTING, path, f"beside it {file.name}, the text embeddings ({error})") from error
    if texts.ndim != 2 or texts.dtype.kind != "f" or not np.isfinite(texts).all() or not texts.any(axis=1).all():
        raise UsageError(SETTING, path, f"{file.name} holds numbers [labels, dimensions], no row of them zero")
    return unit(texts.astype(np.float32))


def _tensor(path: Path, graph: OnnxGraph, card: ModelCard, *, encodes: bool) -> InputTensor:
    node = graph.input
    if node.type not in TYPES:
        raise UsageError(SETTING, path, f"a model that takes {', '.join(TYPES)}; its input is a {node.type}")
    try:
        layout, side, batch = input_layout(node.shape, card.layout)
    except ValueError as error:
        raise UsageError(SETTING, path, f"a model of pictures: {error}") from error
    if side and card.size and side != card.size:
        raise UsageError(SETTING, path, f"its input {node.shape} is of {side} pixels, not of the card's {card.size}")
    mean, std = CLIP if encodes else IMAGENET
    return InputTensor(
        layout=layout,
        side=side or card.size or DEFAULT_SIDE,
        batch=batch,
        dtype=TYPES[node.type],
        mean=card.mean or mean,
        std=card.std or std,
    )


def _scoring(
    path: Path, card: ModelCard, topics: tuple[str | None, ...], texts: Scores | None, outputs: Scores
) -> Scoring:
    """Return the scoring that fits the outputs of a trial run; raises UsageError when the files do not fit."""
    wide, labels = outputs.shape[1], len(topics)
    if texts is None and wide != labels:
        raise UsageError(SETTING, path, f"a label for each of its {wide} outputs; its labels file has {labels}")
    if texts is not None and texts.shape != (labels, wide):
        expected = f"[{labels} labels, {wide} outputs]"
        raise UsageError(SETTING, path, f"text embeddings {expected}; they are {list(texts.shape)}")
    distribution = texts is None and sums_up_to_one(outputs)
    activation = card.activation or ("none" if distribution else "softmax")
    return Scoring(
        grouping=Grouping.of(topics),
        texts=texts,
        activation=activation,
        exclusive=activation == "softmax" or distribution,
        temperature=card.temperature or (1.0 if texts is None else TEMPERATURE),
        threshold=card.threshold,
        top_k=card.top_k,
    )
