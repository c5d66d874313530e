"""Parts of logs by byte offsets: nothing is cut in two, lost between two parts, or read as a whole."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

import pytest

from image_spider_node import tail
from image_spider_node.errors import Refused
from image_spider_node.tail import Match, read_piece, search

Writer = Callable[[str | bytes], BinaryIO]


@pytest.fixture
def log_of(tmp_path: Path) -> Iterator[Writer]:
    path = tmp_path / "job.log"
    path.touch()
    with path.open("rb", buffering=0) as reader:

        def write(text: str | bytes) -> BinaryIO:
            with path.open("ab") as file:
                file.write(text if isinstance(text, bytes) else text.encode())
            return reader

        yield write


def test_without_an_offset_the_last_whole_lines_are_read(log_of: Writer):
    file = log_of("".join(f"line {number:4}\n" for number in range(100)))
    piece = read_piece(file, offset=None, length=35)
    assert piece.text == "line   97\nline   98\nline   99\n"
    assert (piece.offset, piece.next_offset, piece.size) == (970, 1000, 1000)


def test_reading_goes_on_where_the_last_piece_ended(log_of: Writer):
    file = log_of("one\n")
    piece = read_piece(file, offset=None)
    assert read_piece(file, offset=piece.next_offset).text == ""
    log_of("two\n")
    assert read_piece(file, offset=piece.next_offset).text == "two\n"


@pytest.mark.parametrize("length", range(16, 24))
def test_pieces_of_any_length_make_up_the_whole_log_and_cut_no_character(log_of: Writer, length: int):
    text = "ä€😀x\n" * 40 + "中文图片" * 20
    file = log_of(text)
    pieces, offset = [], 0
    while offset < len(text.encode()):
        piece = read_piece(file, offset=offset, length=length)
        assert piece.next_offset > offset
        pieces.append(piece.text)
        offset = piece.next_offset
    assert "".join(pieces) == text
    assert "\N{REPLACEMENT CHARACTER}" not in text


def test_a_character_that_is_half_written_is_left_for_the_next_piece(log_of: Writer):
    euro = "€".encode()
    file = log_of(b"price 3 " + euro[:2])
    piece = read_piece(file, offset=0)
    assert (piece.text, piece.next_offset) == ("price 3 ", 8)
    log_of(euro[2:])
    assert read_piece(file, offset=piece.next_offset).text == "€"


def test_an_offset_inside_a_character_begins_with_the_next_one(log_of: Writer):
    piece = read_piece(log_of("€uro"), offset=1)
    assert (piece.text, piece.offset) == ("uro", 3)


def test_bytes_that_are_no_text_are_shown_as_such_and_hold_nothing_up(log_of: Writer):
    file = log_of(b"\x80" * 50 + b"\xff\xfe" * 25)
    offset = 0
    while offset < 100:
        piece = read_piece(file, offset=offset, length=16)
        assert piece.next_offset > offset
        offset = piece.next_offset


def test_one_line_longer_than_the_piece_is_shown_from_its_middle(log_of: Writer):
    assert read_piece(log_of("x" * 1000), offset=None, length=100).text == "x" * 100


def test_no_answer_has_more_than_a_mebibyte(log_of: Writer):
    piece = read_piece(log_of(b"x" * 3_000_000), offset=0, length=10**18)
    assert len(piece.text) == piece.next_offset == tail.MAX_BYTES


@pytest.mark.parametrize("ask", [lambda file: read_piece(file, offset=6), lambda file: search(file, "x", offset=6)])
def test_an_offset_beyond_the_end_is_refused_with_the_size(log_of: Writer, ask: Callable[[BinaryIO], object]):
    with pytest.raises(Refused, match="the log has 5 bytes") as refused:
        ask(log_of("short"))
    assert refused.value.status == 416


def test_a_text_is_found_with_the_place_of_its_line(log_of: Writer):
    file = log_of("INFO a\nERROR [b] .*\nINFO c\nERROR [b] .*")
    found = search(file, "[b] .*", offset=0)
    assert found.matches == (Match(offset=7, line="ERROR [b] .*"), Match(offset=27, line="ERROR [b] .*"))
    assert (found.offset, found.next_offset, found.size, found.complete) == (0, 39, 39, True)


def test_a_line_is_told_once_however_often_it_holds_the_text(log_of: Writer):
    assert [match.offset for match in search(log_of("aaa\nb\naaa\n"), "a", offset=0).matches] == [0, 6]


def test_of_a_long_line_the_part_around_the_text_is_shown(log_of: Writer):
    (match,) = search(log_of("a" * 100_000 + "needle" + "b" * 100_000 + "\n"), "needle", offset=0).matches
    assert match.offset == 0
    assert match.line.startswith("a" * tail.LEAD_BYTES + "needleb")
    assert len(match.line) == tail.MAX_LINE_BYTES


def test_a_search_ends_at_its_bytes_and_goes_on_from_there(log_of: Writer, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(tail, "BLOCK_BYTES", 100)
    file = log_of("".join(f"{number:8} x\n" for number in range(200)))
    found, offset, calls = [], 0, 0
    while True:
        answer = search(file, "x", offset=offset, length=300)
        found += answer.matches
        offset, calls = answer.next_offset, calls + 1
        if answer.complete:
            break
    assert [match.offset for match in found] == list(range(0, 2200, 11))
    assert calls == 6  # of four blocks, the last of which passes the 300 bytes


def test_a_search_ends_at_its_deadline_and_goes_on_from_there(log_of: Writer, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(tail, "BLOCK_BYTES", 100)
    file = log_of("x\n" * 100)
    times = iter([0.0, 0.0, tail.SEARCH_SECONDS + 0.1])
    answer = search(file, "x", offset=0, clock=lambda: next(times))
    assert (len(answer.matches), answer.next_offset, answer.complete) == (50, 100, False)


def test_a_search_ends_at_its_matches_and_goes_on_from_there(log_of: Writer):
    file = log_of("x\n" * (tail.MAX_MATCHES + 3))
    first = search(file, "x", offset=0)
    assert (len(first.matches), first.next_offset, first.complete) == (tail.MAX_MATCHES, 2 * tail.MAX_MATCHES, False)
    rest = search(file, "x", offset=first.next_offset)
    assert (len(rest.matches), rest.complete) == (3, True)


def test_without_an_offset_the_end_of_the_log_is_searched(log_of: Writer):
    answer = search(log_of("x\n" + "y\n" * 100), "x", offset=None, length=100)
    assert (answer.matches, answer.offset, answer.complete) == ((), 102, True)


def test_a_text_that_is_still_being_written_is_found_by_the_next_search(log_of: Writer):
    file = log_of("begin\nnee")
    first = search(file, "needle", offset=0)
    assert (first.matches, first.complete) == ((), True)
    log_of("dle\n")
    assert [match.line for match in search(file, "needle", offset=first.next_offset).matches] == ["needle"]


@pytest.mark.parametrize("seed", range(20))
def test_searches_in_parts_find_every_line_whatever_the_blocks_are(
    log_of: Writer, monkeypatch: pytest.MonkeyPatch, seed: int
):
    chance = random.Random(seed)
    lines = ["".join(chance.choices("abn", k=chance.randrange(40))) + chance.choice(("", "needle")) for _ in range(300)]
    file = log_of("\n".join(lines) + "\n")
    monkeypatch.setattr(tail, "BLOCK_BYTES", chance.randrange(60, 400))
    found, answer = set(), search(file, "needle", offset=0, length=200)
    while True:
        found |= {match.offset for match in answer.matches}
        if answer.complete:
            break
        answer = search(file, "needle", offset=answer.next_offset, length=200)
    starts = [sum(len(line) + 1 for line in lines[:number]) for number in range(len(lines))]
    assert found == {start for start, line in zip(starts, lines, strict=True) if "needle" in line}


def test_a_text_across_the_parts_of_an_endless_line_is_found(log_of: Writer, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(tail, "BLOCK_BYTES", 100)
    for place in range(90, 105):
        file = log_of("-" * place + "needle" + "-" * (300 - place) + "\n")
    found = search(file, "needle", offset=0)
    assert {match.line.count("needle") for match in found.matches} == {1}
    assert len(found.matches) == 15


@pytest.mark.parametrize("needle", ["", "a\nb", "x" * 1001])
def test_what_cannot_be_in_one_line_is_refused(log_of: Writer, needle: str):
    with pytest.raises(Refused, match="search is not allowed"):
        search(log_of("a\nb\n"), needle, offset=0)


def test_a_log_that_is_cut_short_under_the_search_ends_it(log_of: Writer, monkeypatch: pytest.MonkeyPatch):
    file = log_of("")
    monkeypatch.setattr(tail, "_size", lambda _: 100)
    assert search(file, "x", offset=0).matches == ()
