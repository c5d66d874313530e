import random

import pytest

from image_spider.extract.limits import MAX_SRCSET_ENTRIES
from image_spider.extract.srcset import SrcsetEntry, largest_first, parse_srcset


def urls(text: str) -> list[str]:
    return [entry.url for entry in parse_srcset(text)]


def test_each_entry_has_its_url_and_descriptors() -> None:
    assert parse_srcset("a.jpg 300w, b.jpg 2x, c.jpg, d.jpg 400w 200h") == [
        SrcsetEntry("a.jpg", width=300),
        SrcsetEntry("b.jpg", density=2.0),
        SrcsetEntry("c.jpg"),
        SrcsetEntry("d.jpg", width=400, height=200),
    ]


@pytest.mark.parametrize("text", ["", " ", ",", " , ,\t,\n"])
def test_nothing_but_commas_and_spaces_is_no_entry(text: str) -> None:
    assert parse_srcset(text) == []


def test_a_url_with_commas_is_one_entry() -> None:
    assert urls("/w_300,h_200/a.jpg 1x, /w_600,h_400/a.jpg 2x") == ["/w_300,h_200/a.jpg", "/w_600,h_400/a.jpg"]


def test_a_comma_without_a_space_belongs_to_the_url() -> None:
    assert urls("a.jpg,b.jpg") == ["a.jpg,b.jpg"]


def test_commas_at_the_end_of_a_url_end_the_entry() -> None:
    assert parse_srcset("a.jpg, b.jpg,,, c.jpg 2x,") == [
        SrcsetEntry("a.jpg"),
        SrcsetEntry("b.jpg"),
        SrcsetEntry("c.jpg", density=2.0),
    ]


def test_a_data_uri_keeps_its_comma() -> None:
    assert urls("data:image/png;base64,AAAA 1x, b.jpg 2x") == ["data:image/png;base64,AAAA", "b.jpg"]


def test_spaces_before_a_comma_end_no_url() -> None:
    assert urls("a.jpg 1x , b.jpg , c.jpg") == ["a.jpg", "b.jpg", "c.jpg"]


def test_only_ascii_white_space_separates() -> None:
    assert urls("a.jpg\f1x,\r\n\tb.jpg\xa02x") == ["a.jpg", "b.jpg\xa02x"]


@pytest.mark.parametrize(
    ("descriptors", "kept"),
    [
        ("", True),
        ("1w", True),
        ("007w", True),
        ("1.5x", True),
        (".5x", True),
        ("0x", True),
        ("-0x", True),
        ("1e3x", True),
        ("1E-3x", True),
        ("100w 50h", True),
        ("50h 100w", True),
        ("0w", False),
        ("-1w", False),
        ("+1w", False),
        ("1.0w", False),
        ("1e3w", False),
        ("w", False),
        ("\u0661w", False),
        ("9" * 5000 + "w", False),
        ("1e999x", False),
        ("nanx", False),
        ("infx", False),
        ("-1x", False),
        ("+1x", False),
        ("1.x", False),
        (" x", False),
        ("1 x", False),
        ("100w 100w", False),
        ("1x 2x", False),
        ("100w 1x", False),
        ("1x 100w", False),
        ("50h", False),
        ("50h 1x", False),
        ("0h 100w", False),
        ("100w 50h 50h", False),
        ("100W", False),
        ("2X", False),
        ("100px", False),
        ("100w foo", False),
        ("(100w)", False),
        ("100w()", False),
    ],
)
def test_an_entry_with_a_wrong_descriptor_is_left_out_and_the_next_is_read(descriptors: str, kept: bool) -> None:
    assert urls(f"a.jpg {descriptors}, b.jpg 7w") == (["a.jpg", "b.jpg"] if kept else ["b.jpg"])


def test_parentheses_hide_commas_and_spaces() -> None:
    assert urls("a.jpg (1x, b.jpg 2x), c.jpg") == ["c.jpg"]
    assert urls("a.jpg 1x(, b.jpg 2x") == []
    assert urls("a.jpg ((1x), b.jpg 2x") == ["b.jpg"]


def test_the_largest_entry_comes_first_and_equal_ones_keep_their_order() -> None:
    entries = parse_srcset("half 0.5x, plain, one 1x, two 2x, small 10w, high 20w 9h, wide 20w, also 20w")
    ordered = [entry.url for entry in largest_first(entries)]
    assert ordered == ["high", "wide", "also", "small", "two", "plain", "one", "half"]


def test_what_is_beyond_the_limit_is_left_out() -> None:
    assert urls(", ".join(f"{number}.jpg {number}w" for number in range(1, MAX_SRCSET_ENTRIES + 50))) == [
        f"{number}.jpg" for number in range(1, MAX_SRCSET_ENTRIES + 1)
    ]


def test_no_text_makes_it_raise() -> None:
    rng = random.Random(11)
    for _ in range(3000):
        text = "".join(rng.choice("ab.,() \t\n\f019-+exwh%é\0") for _ in range(rng.randint(0, 40)))
        for entry in parse_srcset(text):
            assert entry.url
            assert not entry.url.endswith(",")
            assert not entry.url.startswith(",")
