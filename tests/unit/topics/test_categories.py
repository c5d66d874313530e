import pytest

from image_spider.items import Topic
from image_spider.topics.categories import Categories, mentions
from image_spider.topics.taxonomy import load_taxonomy

TAXONOMY = load_taxonomy()


@pytest.mark.parametrize(
    ("categories", "texts", "expected"),
    [
        (["cat"], ["Two Cats asleep"], True),
        (["cat"], ["a scat singer"], False),
        (["cat"], ["/photos/black_cat.jpg"], True),
        (["dog", "sea"], ["the open sea"], True),
        (["猫"], ["一只猫"], False),
        (["c++"], ["C++ logo"], True),
        (["cat"], [], False),
    ],
)
def test_a_category_is_the_beginning_of_a_word(categories: list[str], texts: list[str], expected: bool):
    assert mentions(categories, texts) is expected


@pytest.mark.parametrize("category", ["animals", "animal", "动物", "動物"])
def test_a_topic_is_meant_by_each_of_its_names(category: str):
    wanted = Categories.of([category], TAXONOMY)
    assert wanted.match([Topic("animals", 0.3, "words")], [])
    assert wanted.match([Topic("animals", 0.3, "model")], [])
    assert not wanted.match([Topic("food", 0.9, "words")], [])


def test_a_topic_is_not_looked_for_as_a_word():
    assert not Categories.of(["space"], TAXONOMY).match([], ["a spaceship", "parking space"])


def test_a_word_that_is_no_topic_is_looked_for_in_the_texts():
    wanted = Categories.of(["cat"], TAXONOMY)
    assert wanted.match([Topic("food", 0.9, "words")], ["Two Cats asleep"])
    assert not wanted.match([Topic("animals", 0.9, "words")], ["a dog"])


@pytest.mark.parametrize("label", ["golden retriever", "Golden Retriever"])
def test_a_label_that_only_the_model_knows_is_a_category(label: str):
    wanted = Categories.of(["golden retriever"], TAXONOMY)
    assert wanted.match([Topic(label, 0.5, "model")], [])
    assert not wanted.match([Topic("Golden", 0.5, "model")], [])


@pytest.mark.parametrize(("text", "expected"), [("一只猫在睡觉", True), ("一隻貓在睡覺", True), ("一只狗", False)])
def test_a_chinese_word_is_found_anywhere_in_a_text(text: str, expected: bool):
    assert Categories.of(["猫"], TAXONOMY).match([], [text]) is expected


def test_one_category_of_several_is_enough():
    wanted = Categories.of(["sports", "bird"], TAXONOMY)
    assert wanted.match([Topic("sports", 0.5, "words")], [])
    assert wanted.match([], ["birds"])
    assert not wanted.match([], ["a stone"])


def test_without_categories_every_image_is_wanted():
    assert Categories.of([], TAXONOMY).match([], [])


def test_the_refusal_names_the_categories():
    assert str(Categories.of(["动物", "cat"], TAXONOMY)) == "animals or cat"
