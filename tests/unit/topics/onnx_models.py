"""Small real ONNX models, made by the tests."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import yaml
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

SIDE = 8
COLOURS = ("red", "green", "blue")
PLAIN = {"mean": [0, 0, 0], "std": [1, 1, 1]}  # values of 0..1 reach the model
OPSET = 17


def save(path: Path, nodes: list[Any], inputs: list[Any], outputs: list[Any], constants: Sequence[Any] = ()) -> Path:
    graph = helper.make_graph(nodes, "graph", inputs, outputs, list(constants))
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=10)
    onnx.checker.check_model(model)
    onnx.save(model, str(path))
    return path


def mean_colour(
    path: Path,
    *,
    shape: Sequence[int | str] = ("batch", 3, SIDE, SIDE),
    weights: NDArray[np.float32] | None = None,
    softmax: bool = False,
    dtype: int = TensorProto.FLOAT,
) -> Path:
    """A model whose outputs are weights x mean of red, green and blue; without weights these means times 10."""
    axes = [2, 3] if shape[1] in (3, "channels") else [1, 2]
    weights = np.eye(3, dtype=np.float32) * 10 if weights is None else weights
    matrix = numpy_helper.from_array(weights.astype(np.float32), "weights")
    nodes = [
        helper.make_node("Cast", ["pictures"], ["floats"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["floats"], ["means"], axes=axes, keepdims=0),
        helper.make_node("MatMul", ["means", "weights"], ["logits"]),
    ]
    if softmax:
        nodes.append(helper.make_node("Softmax", ["logits"], ["scores"], axis=1))
    name = "scores" if softmax else "logits"
    pictures = helper.make_tensor_value_info("pictures", dtype, list(shape))
    outputs = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [shape[0], weights.shape[1]])]
    return save(path, nodes, [pictures], outputs, [matrix])


def beside(model: Path, *, labels: object = "\n".join(COLOURS), card: dict[str, Any] | None = None) -> Path:
    """Write the labels and the card that belong to a model."""
    if isinstance(labels, str):
        model.with_suffix(".labels.txt").write_text(labels, encoding="utf-8")
    else:
        model.with_suffix(".labels.yaml").write_text(yaml.safe_dump(labels, sort_keys=False), encoding="utf-8")
    model.with_suffix(".yaml").write_text(yaml.safe_dump(PLAIN | (card or {})), encoding="utf-8")
    return model


def picture(*colour: int, side: int = SIDE) -> NDArray[np.uint8]:
    return np.full((side, side, 3), colour, dtype=np.uint8)


RED, GREEN, BLUE = picture(255, 0, 0), picture(0, 255, 0), picture(0, 0, 255)
