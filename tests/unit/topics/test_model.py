"""Label models, run by onnxruntime for real."""

from __future__ import annotations

import asyncio
import hashlib
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper

from image_spider.exceptions import LabelModelError
from image_spider.items import Topic
from image_spider.topics.labeller import BATCH_IMAGES, Labeller
from image_spider.topics.model import CHUNK, LabelModel
from tests.unit.topics.onnx_models import BLUE, COLOURS, GREEN, RED, SIDE, beside, mean_colour, picture, save

RNG = np.random.default_rng(3)
PICTURES = [RNG.integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8) for _ in range(3 * CHUNK + 5)]


def best(model: LabelModel, *images: Any) -> list[str]:
    return [topics[0].name for topics in model.label(images)]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "colours.onnx"


@pytest.mark.parametrize("dtype", [TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.UINT8])
@pytest.mark.parametrize(
    "shape",
    [
        ("batch", 3, SIDE, SIDE),
        ("batch", SIDE, SIDE, 3),
        ("batch", 3, "height", "width"),
        ("batch", "channels", "height", "width"),
        (1, 3, SIDE, SIDE),
        (4, 3, SIDE, SIDE),
        (4, SIDE, SIDE, 3),
    ],
)
def test_a_classifier_tells_the_topic_of_each_picture(path: Path, shape: Any, dtype: int):
    weights = np.eye(3, dtype=np.float32) * (10 if dtype != TensorProto.UINT8 else 10 / 255)
    card = {"size": SIDE} if "height" in shape else {}
    model = LabelModel.load(beside(mean_colour(path, shape=shape, dtype=dtype, weights=weights), card=card))
    assert model.side == SIDE
    assert best(model, RED, GREEN, BLUE, GREEN, RED) == ["red", "green", "blue", "green", "red"]
    assert model.label([RED]) == [(Topic("red", 1.0, "model"),)]
    assert model.label([]) == []


@pytest.mark.parametrize("batch", ["batch", 1, 4])
def test_a_label_does_not_depend_on_the_batch(path: Path, batch: Any):
    model = LabelModel.load(beside(mean_colour(path, shape=(batch, 3, SIDE, SIDE)), card={"threshold": 0.0}))
    alone = [topics for image in PICTURES for topics in model.label([image])]
    assert model.label(PICTURES) == alone
    assert len({topics[0] for topics in alone}) > 10


def test_pictures_are_run_in_batches_of_bounded_size(path: Path):
    model = LabelModel.load(beside(mean_colour(path)))
    before = model.graph.runs
    model.label(PICTURES)
    assert model.graph.runs - before == 4


def test_a_model_of_one_picture_at_a_time_is_run_once_for_each(path: Path):
    model = LabelModel.load(beside(mean_colour(path, shape=(1, 3, SIDE, SIDE))))
    before = model.graph.runs
    assert len(model.label(PICTURES[:5])) == 5
    assert model.graph.runs - before == 5


def test_the_name_tells_the_version_of_the_file(path: Path):
    model = LabelModel.load(beside(mean_colour(path)))
    assert model.name == f"colours@{hashlib.sha256(path.read_bytes()).hexdigest()[:12]}"
    mean_colour(path, weights=np.eye(3, dtype=np.float32) * 9)
    assert LabelModel.load(path).name != model.name


def test_a_very_long_file_name_fits_into_its_column(tmp_path: Path):
    model = LabelModel.load(beside(mean_colour(tmp_path / f"{'x' * 200}.onnx")))
    assert len(model.name) <= 120


def test_mean_and_deviation_of_the_card_are_applied(path: Path):
    weights = np.eye(3, dtype=np.float32)
    model = LabelModel.load(
        beside(mean_colour(path, weights=weights), card={"mean": [0.5, 0.25, 0.0], "std": [0.5, 0.25, 2.0]})
    )
    rows = model.graph.run(model._tensor.of([picture(255, 128, 51)]))
    assert rows[0] == pytest.approx([1.0, (128 / 255 - 0.25) / 0.25, 0.1], abs=1e-6)


def test_without_a_card_the_values_are_those_of_imagenet(path: Path):
    mean_colour(path, weights=np.eye(3, dtype=np.float32))
    path.with_suffix(".labels.txt").write_text("\n".join(COLOURS))
    model = LabelModel.load(path)
    rows = model.graph.run(model._tensor.of([picture(255, 0, 0)]))
    assert rows[0] == pytest.approx([(1 - 0.485) / 0.229, -0.456 / 0.224, -0.406 / 0.225], abs=1e-5)


def test_without_any_size_224_pixels_are_taken(path: Path):
    model = LabelModel.load(beside(mean_colour(path, shape=("batch", 3, "height", "width"))))
    assert model.side == 224


def test_a_card_may_be_json(path: Path):
    mean_colour(path, shape=("batch", 3, "height", "width"))
    path.with_suffix(".labels.txt").write_text("\n".join(COLOURS))
    path.with_suffix(".json").write_text('{"size": 16}')
    assert LabelModel.load(path).side == 16


def test_probabilities_are_taken_as_they_are(path: Path):
    model = LabelModel.load(beside(mean_colour(path, softmax=True)))
    logits = LabelModel.load(beside(mean_colour(path.with_name("logits.onnx"))))
    assert model.label(PICTURES) == logits.label(PICTURES)


def test_labels_that_exclude_each_other_add_up_in_their_topic(path: Path):
    labels = [{"red": "warm"}, "green", {"blue": "warm"}]
    model = LabelModel.load(beside(mean_colour(path, weights=np.zeros((3, 3), dtype=np.float32)), labels=labels))
    assert model.label([RED]) == [(Topic("warm", 0.667, "model"), Topic("green", 0.333, "model"))]


def test_of_independent_labels_the_greatest_counts(path: Path):
    labels = {"red": "warm", "green": "green", "blue": "warm"}
    model = LabelModel.load(beside(mean_colour(path), labels=labels, card={"activation": "sigmoid", "threshold": 0.6}))
    assert model.label([RED]) == [(Topic("warm", 1.0, "model"),)]
    assert [topic.name for topic in model.label([picture(255, 255, 255)])[0]] == ["green", "warm"]


@pytest.mark.parametrize("labels", ["red -> warm\ngreen ->\nblue\n", [{"red": "warm"}, {"green": None}, "blue"]])
def test_a_label_may_mean_another_topic_or_none(path: Path, labels: Any):
    model = LabelModel.load(beside(mean_colour(path), labels=labels))
    assert [topics[:1] for topics in model.label([RED, GREEN, BLUE])] == [
        (Topic("warm", 1.0, "model"),),
        (),
        (Topic("blue", 1.0, "model"),),
    ]


def test_threshold_and_top_k_bound_the_topics(path: Path):
    flat = np.zeros((3, 3), dtype=np.float32)
    assert len(LabelModel.load(beside(mean_colour(path, weights=flat))).label([RED])[0]) == 3
    assert len(LabelModel.load(beside(path, card={"top_k": 2})).label([RED])[0]) == 2
    assert LabelModel.load(beside(path, card={"threshold": 0.4})).label([RED]) == [()]


def test_an_output_that_is_no_number_is_no_topic(path: Path):
    nodes = [
        helper.make_node("ReduceMean", ["pictures"], ["means"], axes=[2, 3], keepdims=0),
        helper.make_node("Log", ["means"], ["logits"]),  # of the black picture: minus infinity
        helper.make_node("Sub", ["logits", "logits"], ["zeros"]),
    ]
    pictures = helper.make_tensor_value_info("pictures", TensorProto.FLOAT, ["batch", 3, SIDE, SIDE])
    zeros = helper.make_tensor_value_info("zeros", TensorProto.FLOAT, ["batch", 3])
    model = LabelModel.load(beside(save(path, nodes, [pictures], [zeros])))
    labels = model.label([picture(0, 0, 0), picture(9, 9, 9)])
    assert [len(topics) for topics in labels] == [0, 3]


def test_an_encoder_compares_pictures_with_texts(path: Path):
    weights = RNG.normal(size=(3, 16)).astype(np.float32)
    beside(mean_colour(path, weights=weights), labels="red\ngreen\nblue")
    np.save(path.with_suffix(".texts.npy"), weights * [[3.0], [0.2], [1.0]])  # their lengths do not matter
    model = LabelModel.load(path)
    assert best(model, RED, GREEN, BLUE, picture(10, 0, 0)) == ["red", "green", "blue", "red"]
    alone = [topics for image in PICTURES for topics in model.label([image])]
    assert model.label(PICTURES) == alone
    assert all(0 < topic.score <= 1 for topics in alone for topic in topics)


def test_the_temperature_makes_an_encoder_more_or_less_sure(path: Path):
    beside(mean_colour(path, weights=np.eye(3, dtype=np.float32)), card={"temperature": 100.0})
    np.save(path.with_suffix(".texts.npy"), np.eye(3))
    assert [topic.score for topic in LabelModel.load(path).label([RED])[0]] == pytest.approx([0.336, 0.332, 0.332])


# Many callers.
def label_all(labeller: Labeller, images: list[Any]) -> list[tuple[Topic, ...]]:
    async def run() -> list[tuple[Topic, ...]]:
        return await asyncio.gather(*map(labeller.label, images))

    try:
        return asyncio.run(run())
    finally:
        labeller.close()


def test_pictures_of_many_callers_are_run_together_and_each_gets_its_own(path: Path):
    model = LabelModel.load(beside(mean_colour(path)))
    expected = model.label(PICTURES)
    before = model.graph.runs
    assert label_all(Labeller(model), PICTURES) == expected
    assert model.graph.runs - before == -(-len(PICTURES) // BATCH_IMAGES)


def test_the_model_is_loaded_and_run_off_the_event_loop(path: Path):
    beside(mean_colour(path))
    threads: set[str] = set()

    async def run() -> None:
        labeller = await Labeller.load(path, threads=1)
        label = labeller.model.label
        labeller._batches._work = lambda images: (threads.add(threading.current_thread().name), label(images))[1]
        assert (await labeller.label(RED))[0].name == "red"
        labeller.close()

    asyncio.run(run())
    assert threads == {"labels_0"}


def test_a_picture_of_another_size_is_an_error_of_the_caller(path: Path):
    model = LabelModel.load(beside(mean_colour(path)))
    with pytest.raises(ValueError, match="where the model takes"):
        model.label([picture(1, 2, 3, side=9)])
    with pytest.raises(ValueError, match="where the model takes"):
        model.label([RED.astype(np.float32)])  # type: ignore[list-item]


def test_a_run_that_fails_is_an_error_of_the_model(path: Path):
    model = LabelModel.load(beside(mean_colour(path)))
    with pytest.raises(LabelModelError, match=r"the label model colours@\w{12} failed: .*INVALID_ARGUMENT"):
        model.graph.run(np.zeros((1, 3, SIDE, SIDE + 1), dtype=np.float32))
