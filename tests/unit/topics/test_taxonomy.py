from __future__ import annotations

import re
from pathlib import Path

import pytest

from image_spider.exceptions import UsageError
from image_spider.topics.chinese import SIMPLIFIED
from image_spider.topics.taxonomy import load_taxonomy
from image_spider.topics.tokens import tokens

TAXONOMY = load_taxonomy()


def test_there_are_topics_enough():
    assert len(TAXONOMY.topics) >= 20


@pytest.mark.parametrize("topic", TAXONOMY.topics)
def test_each_topic_has_words_of_both_languages_and_a_chinese_name(topic: str):
    words = TAXONOMY.topics[topic]
    chinese = [word for word in words.words if not word.isascii()]
    assert len(words.words) - len(chinese) >= 25
    assert len(chinese) >= 25
    assert any(not name.isascii() for name in words.names)


def test_the_words_are_written_as_they_are_read():
    lists = [words for topic in TAXONOMY.topics.values() for words in (topic.words, topic.weak, topic.verbs)]
    for word in [*TAXONOMY.ignore, *(word for words in lists for word in words)]:
        assert word == word.casefold()
        assert tokens(word) == tokens(word.translate(SIMPLIFIED))  # simplified already


def test_no_traditional_character_has_two_readings():
    assert not set(map(chr, SIMPLIFIED)) & set(SIMPLIFIED.values()) - {"后"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("topics: [", "a YAML file"),
        ("\x00", "a YAML file"),
        ("", "it should be a valid dictionary"),
        ("- cat", "it should be a valid dictionary"),
        ("topics: {}", "topics: Dictionary should have at least 1 item"),
        ("topics: {a: {words: [x]}}\nextra: 1", "extra: Extra inputs are not permitted"),
        ("topics: {a: {word: [x]}}", "topics.a.word: Extra inputs are not permitted"),
        ("topics: {a: {}}", "topics.a: a topic needs words"),
        ("topics: {a: [x]}", "topics.a: it should be a valid dictionary"),
        ("topics: {a: {words: cat}}", "topics.a.words: it should be a valid tuple"),
        ("topics: {a: {words: [x, 3]}}", "topics.a.words.1: it should be a valid string"),
        ("topics: {a: {words: [yes]}}", "topics.a.words.0: it should be a valid string (in quotes)"),
        ("topics: {a: {words: ['']}}", "topics.a.words.0: '': letters"),
        ("topics: {a: {words: [mp3]}}", "topics.a.words.0: 'mp3': letters, and no digits"),
        ("topics: {a: {words: [x, X]}}", "topics.a: 'x' stands there twice"),
        ("topics: {a: {words: [x], weak: [x]}}", "topics.a: 'x' stands there twice"),
        ("topics: {a: {words: [x], names: [B]}, b: {words: [y]}}", "'b' is a name of both a and b"),
        (f"topics: {{{'a' * 65}: {{words: [x]}}}}", "String should have at most 64 characters"),
    ],
)
def test_a_wrong_file_is_refused_in_one_line_that_says_where(tmp_path: Path, text: str, message: str):
    file = tmp_path / "mine.yaml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(UsageError) as refusal:
        load_taxonomy(file)
    assert re.match(r"TAXONOMY='.*mine\.yaml' is not allowed: ", str(refusal.value))
    assert message in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_a_missing_file_is_refused_by_name():
    with pytest.raises(UsageError, match=r"TAXONOMY='/no/such\.yaml' is not allowed: a readable text file"):
        load_taxonomy("/no/such.yaml")


def test_a_file_that_is_no_text_is_refused(tmp_path: Path):
    (tmp_path / "mine.yaml").write_bytes(b"\xff\xfe\xff")
    with pytest.raises(UsageError, match="a readable text file"):
        load_taxonomy(tmp_path / "mine.yaml")
