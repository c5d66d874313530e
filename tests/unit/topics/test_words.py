from __future__ import annotations

import time

import pytest

from image_spider.items import Candidate, Topic
from image_spider.topics.taxonomy import Taxonomy, TopicWords, load_taxonomy
from image_spider.topics.vocabulary import Vocabulary
from image_spider.topics.words import LEAST, MOST, texts_of, topics_of_words

TAXONOMY = load_taxonomy()
VOCABULARY = Vocabulary(TAXONOMY)


def names(alt: str = "", *, url: str = "https://example.com/1.jpg", page_title: str = "", **words: str) -> set[str]:
    texts = texts_of(Candidate(url, "img", alt=alt, **words), page_title)
    return {topic.name for topic in topics_of_words(texts, VOCABULARY)}


@pytest.mark.parametrize(
    ("alt", "expected"),
    [
        # one word, its plural, its capitals
        ("A cat", {"animals"}),
        ("CATS asleep", {"animals"}),
        ("Cat's eyes", {"animals"}),
        ("Two puppies", {"animals"}),
        ("geese and wolves", {"animals"}),
        ("Autumn leaves", {"plants"}),
        ("Bride with bridesmaids", {"people"}),
        ("Businessmen shaking hands", {"people", "business"}),
        ("three churches", {"architecture"}),
        ("Strawberries", {"food"}),
        ("volcanoes", {"nature"}),
        ("a volcanos map", {"nature"}),
        ("Buses and taxis", {"vehicles"}),
        ("Galaxies", {"space"}),
        ("a cactus, two cacti, three cactuses", {"plants"}),
        # verbs
        ("Children swimming", {"people", "sports"}),
        ("She jogs, he jogged", {"sports"}),
        ("Travelling light", {"travel"}),
        ("traveling", {"travel"}),
        ("Cooking with grandmother", {"food", "people"}),
        ("choir singing", {"music"}),
        # what only looks like a form of a word is none
        ("Caring for scarred skin", set()),
        ("Staff training", set()),
        ("Free shipping", set()),
        ("starring", set()),
        ("the bearing of the message", set()),
        ("category", set()),
        ("concatenate", set()),
        ("scattered thoughts", set()),
        ("carpet bombing", {"home"}),
        ("seal of approval", set()),
        # phrases: the longest match wins
        ("hot dog", {"food"}),
        ("hot-dogs", {"food"}),
        ("ice cream", {"food"}),
        ("night sky", {"space"}),
        ("at night. Sky news", set()),
        ("computer mouse", {"technology"}),
        ("a solar system model", {"space"}),
        ("solar panels", {"industry"}),
        ("Eiffel Tower", {"architecture"}),
        ("wild turkey", {"animals"}),
        ("roast turkey", {"food"}),
        ("river bank", {"water"}),
        ("central bank", {"business"}),
        ("traffic lights", {"city"}),
        ("swimming pool", {"water"}),
        ("apple pie", {"food"}),
        ("Apple Watch", {"technology"}),
        ("jaguar car", {"vehicles"}),
        ("white space", set()),
        ("parking space", set()),
        ("accept cookies", set()),
        ("Home page", set()),
        ("Spider-Man", set()),
        # words with several meanings say nothing alone
        ("bank", set()),
        ("Apple", set()),
        ("Turkey", set()),
        ("Mercury", set()),
        ("a star", set()),
        ("plant", set()),
        ("mouse", set()),
        ("jaguar", set()),
        ("python", set()),
        ("space", set()),
        # ... and something together
        ("apple and mint", {"food"}),
        ("stars and the moon", {"space"}),
        ("keyboard and mouse", {"technology"}),
        # nothing
        ("", set()),
        ("IMG_1234", set()),
        ("banner image", set()),
        ("12 34", set()),
        ("\x00 \ud800 ☃", set()),
    ],
)
def test_english_words_say_their_topics(alt: str, expected: set[str]):
    assert names(alt) == expected


@pytest.mark.parametrize(
    ("alt", "expected"),
    [
        ("一只猫在睡觉", {"animals"}),
        ("一隻貓在睡覺", {"animals"}),
        ("成都大熊猫基地", {"animals"}),
        ("城市夜景", {"city"}),
        ("北京故宫", {"city", "architecture"}),
        ("北京故宮", {"city", "architecture"}),
        ("北京烤鸭", {"city", "food"}),
        ("热狗", {"food"}),
        ("熱狗", {"food"}),
        ("牛肉麵", {"food"}),
        ("苹果", set()),
        ("苹果手机", {"technology"}),
        ("苹果派", {"food"}),
        ("小米手机", {"technology"}),
        ("马上开始", set()),
        ("罗马", set()),
        ("马拉松", {"sports"}),
        ("河马", {"animals"}),
        ("海报", set()),
        ("银行", {"business"}),
        ("河边", {"water"}),
        ("彩虹和蓝天", {"weather"}),
        ("中国空间站", {"space"}),
        ("毕业典礼", {"education"}),
        ("交响乐团", {"music"}),
        ("乒乓球比赛", {"sports"}),
        ("水彩画", {"art"}),
        ("高铁列车", {"vehicles"}),
        ("医生和护士", {"health"}),
        ("樱花盛开", {"plants"}),
        ("热。狗", {"animals"}),
        ("cat 和 狗", {"animals"}),
        ("iPhone手机壳", {"technology"}),
        ("东京Tokyo的skyline", {"city"}),
        ("\uff23\uff21\uff34", {"animals"}),  # full-width letters
    ],
)
def test_chinese_and_mixed_words_say_their_topics(alt: str, expected: set[str]):
    assert names(alt) == expected


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("photos/black_cat.jpg", {"animals"}),
        ("photos/black-cats-2.jpg", {"animals"}),
        ("IMG1234cat.jpg", {"animals"}),
        ("SunsetBeach.jpg", {"nature", "water"}),
        ("NASAImage.png", {"space"}),
        ("icecream.jpg", {"food"}),
        ("nightSky1920x1080.jpg", {"space"}),
        ("sunset1920x1080.jpg", {"nature"}),
        ("%E7%8C%AB.jpg", {"animals"}),
        ("%E8%B2%93+sleeping.jpg", {"animals"}),
        ("ice%20cream.jpg", {"food"}),
        ("night/sky.jpg", set()),
        ("PlayStation5.jpg", {"entertainment"}),
        ("scattered/concatenation.png", set()),
        ("0bed43f9a1.jpg", set()),
        ("550e8400-e29b-41d4-a716-446655440bee.jpg", set()),
        ("dQw4w9Cat3X.jpg", set()),
        ("catalogue/item.jpg?title=cat", set()),
    ],
)
def test_the_path_of_the_url_says_topics(path: str, expected: set[str]):
    assert names(url=f"https://cats.example.com/{path}") == expected


def test_a_data_uri_has_no_words():
    assert names(url="data:image/png;sha256=bed0bee0cab0") == set()


def test_every_place_counts_by_its_weight():
    for place, score in {"alt": 0.6, "caption": 0.6, "title": 0.5, "text": 0.3}.items():
        texts = texts_of(Candidate("https://example.com/", "img", **{place: "cat"}), "")
        assert topics_of_words(texts, VOCABULARY) == (Topic("animals", score, "words"),)


def test_the_page_title_alone_is_not_enough():
    assert names(page_title="Cats") == set()
    assert names(page_title="Cats and dogs") == {"animals"}


def test_words_add_up_and_never_reach_certainty():
    scores = [
        topics_of_words([(0.6, " ".join(["cat", "dog", "horse", "cow", "fox"][:count]))], VOCABULARY)[0].score
        for count in range(1, 6)
    ]
    assert scores == [0.6, 0.84, 0.936, 0.974, 0.99]


def test_a_word_counts_once_in_each_place_however_often_it_stands_there():
    (once,) = topics_of_words([(0.6, "cat")], VOCABULARY)
    assert topics_of_words([(0.6, "cat Cats cat's CAT")], VOCABULARY) == (once,)


def test_a_word_of_several_meanings_counts_once_in_all_places():
    assert names("turkey", title="Turkey!", caption="turkeys", text="the turkey", page_title="Turkey") == set()


def test_a_text_that_repeats_another_counts_once():
    candidate = Candidate("https://example.com/", "img", alt="A cat", title="A cat", caption="Cats", text="Cats")
    assert topics_of_words(texts_of(candidate, ""), VOCABULARY) == (Topic("animals", 0.84, "words"),)


def test_the_surest_topics_come_first_and_only_so_many():
    topics = topics_of_words([(0.6, "cat dog pizza guitar yoga rocket launch nurse church")], VOCABULARY)
    assert len(topics) == MOST
    assert topics[0].name == "animals"
    assert [topic.score for topic in topics] == sorted((topic.score for topic in topics), reverse=True)
    assert all(LEAST <= topic.score < 1 for topic in topics)


def test_a_word_may_say_two_topics():
    taxonomy = Taxonomy(topics={"a": TopicWords(words=("x",)), "b": TopicWords(words=("x",), weak=("y",))})
    topics = topics_of_words([(0.6, "x y")], Vocabulary(taxonomy))
    assert topics == (Topic("b", 0.696, "words"), Topic("a", 0.6, "words"))


def test_an_ignored_phrase_is_no_word_of_any_topic():
    taxonomy = Taxonomy(topics={"a": TopicWords(words=("hot", "spot"))}, ignore=("hot spot",))
    vocabulary = Vocabulary(taxonomy)
    assert topics_of_words([(0.6, "a hot spot, hotspots")], vocabulary) == ()
    assert topics_of_words([(0.6, "a hot day")], vocabulary) != ()


@pytest.mark.parametrize("topic", TAXONOMY.topics)
def test_every_word_of_a_topic_says_it(topic: str):
    words = TAXONOMY.topics[topic]
    assert [word for word in (*words.words, *words.verbs) if topic not in names(f"the {word}.")] == []
    assert [word for word in words.weak if topic in names(f"the {word}.")] == []


def test_a_long_page_of_words_takes_milliseconds():
    """A guard against something quadratic, not a measurement."""
    started = time.perf_counter()
    names("hot " * 50_000 + "大" * 50_000, caption="a" * 100_000, url="https://example.com/" + "1a" * 50_000)
    assert time.perf_counter() - started < 2
