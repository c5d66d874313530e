"""What stands beside a label model: how it wants its pictures, and what its outputs mean."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from image_spider.exceptions import UsageError
from image_spider.topics.taxonomy import NAME_CHARACTERS

SETTING = "LABEL_MODEL"
Three = tuple[float, float, float]
Positive = Annotated[float, Field(gt=0)]


class ModelCard(BaseModel):
    """The file NAME.yaml (or NAME.json) beside NAME.onnx. Everything has a default; docs/how-to explains each key."""

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())

    kind: Literal["classifier", "encoder"] | None = None  # None: an encoder when there are text embeddings
    size: int | None = Field(None, ge=8, le=2048)  # pixels, of both sides; None: the model's own, or 224
    layout: Literal["NCHW", "NHWC"] | None = None  # None: where the model's input has 3, else NCHW
    mean: Three | None = None  # of red, green and blue in 0..1; None: ImageNet's, or CLIP's for an encoder
    std: tuple[Positive, Positive, Positive] | None = None
    output: str | None = None  # None: the first
    activation: Literal["softmax", "sigmoid", "none"] | None = None  # of a classifier; None: none if it sums up to 1
    temperature: float | None = Field(None, gt=0)  # divides what goes into a softmax; None: 1, or 0.01 for an encoder
    threshold: float = Field(0.2, ge=0, le=1)  # a topic with a lower score is not told
    top_k: int = Field(5, ge=1)  # topics of one image at most


def read_card(model: Path) -> ModelCard:
    """Read the card beside a model, or return the defaults; raise UsageError that names what is wrong."""
    for file in (model.with_suffix(".yaml"), model.with_suffix(".json")):  # JSON is YAML too
        if file.exists():
            try:
                return ModelCard.model_validate(_yaml(file) or {})
            except ValidationError as error:
                first = error.errors()[0]
                place = ".".join(str(part) for part in first["loc"])
                raise UsageError(SETTING, model, f"{file.name}: {place}: {first['msg']}") from None
    return ModelCard.model_validate({})


def read_labels(model: Path) -> tuple[str | None, ...]:
    """Return the topic of each output of a model: the label itself, or what the labels file maps it to.

    None is an output that says no topic. Raises UsageError when there is no such file, or a wrong one.
    """
    text, mapping = model.with_suffix(".labels.txt"), model.with_suffix(".labels.yaml")
    if mapping.exists():
        pairs = _pairs(_yaml(mapping))
        if pairs is None:
            raise UsageError(SETTING, model, f"{mapping.name} holds a list of labels, each alone or as label: topic")
    elif text.exists():
        pairs = [_pair(line) for line in _text(text).splitlines() if line.strip()]
    else:
        raise UsageError(SETTING, model, f"beside it {text.name} or {mapping.name}: one label for each output")
    topics = tuple(topic.strip() or None if topic else None for _, topic in pairs)
    if too_long := [topic for topic in topics if topic and len(topic) > NAME_CHARACTERS]:
        raise UsageError(SETTING, model, f"the label {too_long[0]!r} is longer than {NAME_CHARACTERS} characters")
    if not any(topics):
        raise UsageError(SETTING, model, "its labels file names no topic")
    return topics


def _pair(line: str) -> tuple[str, str]:
    label, arrow, topic = line.partition("->")
    return label.strip(), topic if arrow else label


def _pairs(labels: Any) -> list[tuple[str, str | None]] | None:
    """Return labels and topics of a YAML list or mapping, None when it is neither."""
    if isinstance(labels, dict):
        labels = [{label: topic} for label, topic in labels.items()]
    if not isinstance(labels, list):
        return None
    pairs: list[tuple[str, str | None]] = []
    for entry in labels:
        if isinstance(entry, str):
            pairs.append((entry, entry))
        elif isinstance(entry, dict) and len(entry) == 1 and isinstance(next(iter(entry.values())), str | None):
            pairs += entry.items()
        else:
            return None
    return pairs


def _yaml(file: Path) -> Any:
    try:
        return yaml.safe_load(_text(file))
    except yaml.YAMLError as error:
        raise UsageError(SETTING, file, f"a YAML file ({' '.join(str(error).split())})") from error


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8-sig")
    except (OSError, ValueError) as error:
        raise UsageError(SETTING, file, f"a readable text file ({' '.join(str(error).split())})") from error
