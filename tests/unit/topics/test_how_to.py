"""The how-to is read as carefully as code."""

from __future__ import annotations

import re
from pathlib import Path

from image_spider.topics import words
from image_spider.topics.model_card import ModelCard, read_card
from image_spider.topics.taxonomy import load_taxonomy
from image_spider.topics.vocabulary import Vocabulary
from tests.project import ROOT

TEXT = (ROOT / "docs/how-to/topics-and-models.md").read_text(encoding="utf-8")
TAXONOMY, CARD = re.findall(r"^```yaml\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)


def test_the_taxonomy_of_the_how_to_is_one(tmp_path: Path):
    file = tmp_path / "mine.yaml"
    file.write_text(TAXONOMY, encoding="utf-8")
    vocabulary = Vocabulary(load_taxonomy(file))
    assert [topic.name for topic in words.topics_of_words([(0.6, "Tea bowls")], vocabulary)] == ["ceramics"]
    assert words.topics_of_words([(0.6, "super bowl")], vocabulary) == ()


def test_the_card_of_the_how_to_is_one(tmp_path: Path):
    (tmp_path / "garden.yaml").write_text(CARD, encoding="utf-8")
    assert read_card(tmp_path / "garden.onnx").size == 256


def test_every_key_of_the_card_stands_in_the_how_to():
    table = TEXT.partition("| key of the card |")[2].partition("\n\n")[0]
    keys = {
        key for row in table.splitlines() for key in re.findall(r"`(\w+)`", row.split("|")[1] if "|" in row else "")
    }
    assert keys == ModelCard.model_fields.keys()


def test_the_weights_of_the_how_to_are_those_of_the_code():
    table = TEXT.partition("| place | weight |")[2].partition("\n\n")[0]
    weights = {name.strip(): float(weight) for name, weight in re.findall(r"\| ([a-zA-Z, ]+) \| (0\.\d+)", table)}
    assert weights == {
        "alt, caption": words.ALT,
        "title": words.TITLE,
        "URL path": words.URL,
        "text nearby": words.TEXT,
        "page title": words.PAGE_TITLE,
    }
