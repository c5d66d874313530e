"""What is wrong with a label model is told at the start, in one line."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper

from image_spider.exceptions import UsageError
from image_spider.topics.model import LabelModel
from tests.unit.topics.onnx_models import SIDE, beside, mean_colour, save


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "colours.onnx"


def refusal(path: Path) -> str:
    with pytest.raises(UsageError) as refused:
        LabelModel.load(path)
    text = str(refused.value)
    assert text.startswith("LABEL_MODEL='")
    assert "\n" not in text
    return text


def test_a_missing_file_is_refused(path: Path):
    assert "a readable ONNX file (No such file" in refusal(path)


@pytest.mark.parametrize("data", [b"", b"\x00" * 100, b"not a model"])
def test_a_broken_file_is_refused(path: Path, data: bytes):
    beside(path)
    path.write_bytes(data)
    assert "an ONNX file that onnxruntime can load" in refusal(path)


def test_half_a_file_is_refused(path: Path):
    beside(mean_colour(path))
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert "an ONNX file that onnxruntime can load" in refusal(path)


def test_missing_labels_are_refused_by_name(path: Path):
    mean_colour(path)
    assert "beside it colours.labels.txt or colours.labels.yaml: one label for each output" in refusal(path)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ("red\ngreen", "a label for each of its 3 outputs; its labels file has 2"),
        ("\n\n", "its labels file names no topic"),
        ("red ->\ngreen ->\nblue ->", "its labels file names no topic"),
        (["red", ["green"], "blue"], "a list of labels"),
        (["red", {"green": 3}, "blue"], "a list of labels"),
        (3, "a list of labels"),
        ("red\ngreen\n" + "b" * 65, "is longer than 64 characters"),
    ],
)
def test_wrong_labels_are_refused(path: Path, labels: Any, message: str):
    beside(mean_colour(path), labels=labels)
    assert message in refusal(path)


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        (("batch", 3, SIDE, 2 * SIDE), "is not square"),
        (("batch", 4, SIDE, SIDE), "has 4 channels, not 3"),
        (("batch", 3, SIDE), "3 dimensions, not the 4 of pictures"),
    ],
)
def test_an_input_that_is_no_picture_is_refused(path: Path, shape: tuple[Any, ...], message: str):
    nodes = [
        helper.make_node("Flatten", ["pictures"], ["flat"]),
        helper.make_node("ReduceMean", ["flat"], ["means"], axes=[1], keepdims=1),
    ]
    pictures = helper.make_tensor_value_info("pictures", TensorProto.FLOAT, list(shape))
    means = helper.make_tensor_value_info("means", TensorProto.FLOAT, [shape[0], 1])
    beside(save(path, nodes, [pictures], [means]), labels="red")
    assert message in refusal(path)


def test_a_model_of_two_inputs_is_refused(path: Path):
    inputs = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 3, SIDE, SIDE]) for name in "ab"]
    nodes = [
        helper.make_node("Add", ["a", "b"], ["sum"]),
        helper.make_node("ReduceMean", ["sum"], ["means"], axes=[2, 3], keepdims=0),
    ]
    beside(save(path, nodes, inputs, [helper.make_tensor_value_info("means", TensorProto.FLOAT, [1, 3])]))
    assert "a model with one input, the pictures; it has 2: a, b" in refusal(path)


def test_an_input_of_another_type_is_refused(path: Path):
    beside(mean_colour(path, dtype=TensorProto.DOUBLE))
    assert "its input is a tensor(double)" in refusal(path)


@pytest.mark.parametrize(
    ("card", "message"),
    [
        ({"size": 16}, "is of 8 pixels, not of the card's 16"),
        ({"layout": "NHWC"}, "read as NHWC, has 8 channels, not 3"),
        ({"layout": "CHW"}, "colours.yaml: layout: Input should be 'NCHW' or 'NHWC'"),
        ({"sizes": 8}, "colours.yaml: sizes: Extra inputs are not permitted"),
        ({"std": [1, 1, 0]}, "colours.yaml: std.2: Input should be greater than 0"),
        ({"output": "pooled"}, "its output 'pooled' is none of logits"),
        ({"kind": "encoder"}, "beside it colours.texts.npy, the text embeddings"),
    ],
)
def test_a_card_that_does_not_fit_is_refused(path: Path, card: dict[str, Any], message: str):
    beside(mean_colour(path), card=card)
    assert message in refusal(path)


@pytest.mark.parametrize("text", ["size: [", "- 3", "\x00"])
def test_a_card_that_is_no_mapping_is_refused(path: Path, text: str):
    mean_colour(path)
    path.with_suffix(".yaml").write_text(text)
    assert "colours" in refusal(path)


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (np.eye(3)[:2], "text embeddings [3 labels, 3 outputs]; they are [2, 3]"),
        (np.ones((3, 4)), "text embeddings [3 labels, 3 outputs]; they are [3, 4]"),
        (np.zeros((3, 3)), "no row of them zero"),
        (np.full((3, 3), np.nan), "no row of them zero"),
        (np.ones(3), "no row of them zero"),
        (np.array([["a"]]), "no row of them zero"),
        (np.array([object()]), "the text embeddings (Object arrays cannot be loaded"),
    ],
)
def test_text_embeddings_that_do_not_fit_are_refused(path: Path, texts: Any, message: str):
    beside(mean_colour(path))
    np.save(path.with_suffix(".texts.npy"), texts, allow_pickle=True)
    assert message in refusal(path)


def test_a_model_that_cannot_run_on_its_pictures_is_refused(path: Path):
    target = helper.make_tensor("target", TensorProto.INT64, [2], [1, 7])
    nodes = [helper.make_node("Reshape", ["pictures", "target"], ["rows"])]
    pictures = helper.make_tensor_value_info("pictures", TensorProto.FLOAT, ["batch", 3, SIDE, SIDE])
    rows = helper.make_tensor_value_info("rows", TensorProto.FLOAT, ["batch", 7])
    beside(save(path, nodes, [pictures], [rows], [target]))
    assert re.search(r"a model that runs on 8 x 8 pictures \(the label model colours@\w+ failed: ", refusal(path))


def test_without_onnxruntime_the_refusal_says_how_to_get_it(path: Path, monkeypatch: pytest.MonkeyPatch):
    beside(mean_colour(path))
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    assert "install image_spider's extra: pip install -c constraints.txt '.[ai]'" in refusal(path)
