import pytest

from image_spider.topics.english import plurals, verb_forms


@pytest.mark.parametrize(
    ("noun", "expected"),
    [
        ("cat", {"cats"}),
        ("city", {"cities"}),
        ("toy", {"toys"}),
        ("church", {"churches"}),
        ("fox", {"foxes"}),
        ("bus", {"buses"}),
        ("glass", {"glasses"}),
        ("potato", {"potatos", "potatoes"}),
        ("studio", {"studios"}),
        ("leaf", {"leaves"}),
        ("bookshelf", {"bookshelves"}),
        ("fisherman", {"fishermen"}),
        ("human", {"humans"}),
        ("grandchild", {"grandchildren"}),
    ],
)
def test_the_plural_of_a_noun(noun: str, expected: set[str]):
    assert plurals(noun) == expected


@pytest.mark.parametrize(
    ("verb", "expected"),
    [
        ("cook", {"cooks", "cooking", "cooked"}),
        ("bake", {"bakes", "baking", "baked"}),
        ("jog", {"jogs", "jogging", "jogged"}),
        ("ski", {"skis", "skiing", "skied"}),
        ("see", {"sees", "seeing", "seed"}),
        ("study", {"studies", "studying", "studied"}),
        ("travel", {"travels", "traveling", "traveled", "travelling", "travelled"}),
        ("draw", {"draws", "drawing", "drawed"}),
    ],
)
def test_the_forms_of_a_verb(verb: str, expected: set[str]):
    assert verb_forms(verb) == expected
