import pytest

from image_spider.topics import mentions


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
