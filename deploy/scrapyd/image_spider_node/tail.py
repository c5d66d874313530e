"""Parts of a log file, by byte offsets: a piece of it, or the lines that hold a text. A log may have gigabytes."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import BinaryIO

from image_spider_node.errors import Refused

DEFAULT_BYTES = 64 * 1024
MIN_BYTES = 16  # more than a character has
MAX_BYTES = 1024 * 1024  # of one answer's text
SEARCH_BYTES = 64 * 1024 * 1024  # read for one answer
SEARCH_SECONDS = 2.0
BLOCK_BYTES = 256 * 1024  # read at a time
MAX_MATCHES = 500
MAX_LINE_BYTES = 2000  # of a match
LEAD_BYTES = 200  # shown before a text that lies far inside a line
MAX_NEEDLE_BYTES = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """Text of the bytes from `offset` to `next_offset`, where reading goes on; `size` is the file's, now."""

    text: str
    offset: int
    next_offset: int
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """A line that holds the text: where it begins, and at most 2,000 bytes of it, with the text among them."""

    offset: int
    line: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Matches:
    """What was found between the bytes `offset` and `next_offset`; `complete`: the search has come to the end."""

    matches: tuple[Match, ...]
    offset: int
    next_offset: int
    size: int
    complete: bool


def read_piece(file: BinaryIO, *, offset: int | None, length: int = DEFAULT_BYTES) -> Piece:
    """Read `length` bytes from `offset` on, or the last ones without it, which then begin with a whole line.

    A character that only lies in the piece in part is left to the neighbouring piece; bytes that are no UTF-8 become
    U+FFFD. At least 16 bytes are read, at most 1 MiB. Raises Refused (416) when the file ends before the offset.
    """
    size = _size(file)
    length = min(max(length, MIN_BYTES), MAX_BYTES)
    start = _start(offset, size, length)
    data = os.pread(file.fileno(), min(length, size - start), start)
    first = data.find(b"\n") + 1 if offset is None and start else 0  # 0 as well when one line fills the piece
    if start and not first:
        first = _bytes_of_last_character(data)
    end = max(len(data) - _bytes_of_unfinished_character(data), first)
    return Piece(
        text=data[first:end].decode("utf-8", errors="replace"),
        offset=start + first,
        next_offset=start + end,
        size=size,
    )


def search(
    file: BinaryIO,
    needle: str,
    *,
    offset: int | None,
    length: int = SEARCH_BYTES,
    clock: Callable[[], float] = time.monotonic,
) -> Matches:
    """Find the lines that hold a text as it stands, from `offset` on, or in the last `length` bytes without it.

    It ends with the block that reaches `length` (at most 64 MiB), 2 seconds or 500 lines; the next call goes on at
    `next_offset`. A line of more than 256 KiB is searched in parts, and so is one that is still being written; parts
    overlap, so that nothing is missed between them. Raises Refused: 416 as read_piece, 400 for a text that is empty,
    too long or of several lines.
    """
    wanted = needle.encode("utf-8", errors="surrogateescape")
    if not wanted or b"\n" in wanted or len(wanted) > MAX_NEEDLE_BYTES:
        raise Refused(400, f"search is not allowed: one line of 1 to {MAX_NEEDLE_BYTES} bytes")
    size, length = _size(file), min(max(length, MIN_BYTES), SEARCH_BYTES)
    begin = _start(offset, size, length)
    position, last, deadline = begin, min(begin + length, size), clock() + SEARCH_SECONDS
    found: list[Match] = []
    complete = begin == size
    while position < last and len(found) < MAX_MATCHES and clock() <= deadline:
        block = _block(file, position, size)
        if not block:
            break  # it was cut short meanwhile
        taken, searched = _lines_with(wanted, block, room=MAX_MATCHES - len(found))
        found += [Match(offset=position + at, line=line) for at, line in taken]
        complete = searched == len(block) and position + len(block) >= size
        position += _settled(block, searched, taken, overlap=len(wanted) - 1)
        if complete:
            break
    return Matches(matches=tuple(found), offset=begin, next_offset=position, size=size, complete=complete)


def _size(file: BinaryIO) -> int:
    return os.fstat(file.fileno()).st_size


def _start(offset: int | None, size: int, length: int) -> int:
    if offset is None:
        return max(size - length, 0)
    if offset > size:
        raise Refused(416, f"offset {offset} is not allowed: the log has {size} bytes")
    return offset


def _block(file: BinaryIO, position: int, size: int) -> bytes:
    """Return whole lines if there are any, else what there is of one."""
    block = os.pread(file.fileno(), min(BLOCK_BYTES, size - position), position)
    lines = block.rfind(b"\n") + 1
    return block[:lines] if lines and position + len(block) < size else block


def _lines_with(wanted: bytes, block: bytes, *, room: int) -> tuple[list[tuple[int, str]], int]:
    """Return where lines with the text begin in a block, with each line, and how many bytes were searched for that."""
    found: list[tuple[int, str]] = []
    position = 0
    while len(found) < room and (hit := block.find(wanted, position)) >= 0:
        begin = block.rfind(b"\n", 0, hit) + 1
        end = block.find(b"\n", hit)
        end = len(block) if end < 0 else end
        shown = begin if hit + len(wanted) - begin <= MAX_LINE_BYTES else hit - LEAD_BYTES
        found.append((begin, block[shown : min(shown + MAX_LINE_BYTES, end)].decode("utf-8", errors="replace")))
        position = min(end + 1, len(block))
    return found, position if len(found) == room else len(block)


def _settled(block: bytes, searched: int, taken: list[tuple[int, str]], *, overlap: int) -> int:
    """Return how many bytes need not be read again: the text may have begun in a last line that goes on elsewhere."""
    last_line_taken = taken and b"\n" not in block[taken[-1][0] :]
    if searched < len(block) or block.endswith(b"\n") or last_line_taken:
        return searched
    return max(len(block) - overlap, 0)


def _bytes_of_last_character(data: bytes) -> int:
    """Return how many bytes at the beginning belong to a character that began before."""
    return next((count for count, byte in enumerate(data[:3]) if byte & 0xC0 != 0x80), min(len(data), 3))


def _bytes_of_unfinished_character(data: bytes) -> int:
    """Return how many bytes at the end are the beginning of a character."""
    for count, byte in enumerate(reversed(data[-3:]), start=1):
        if byte & 0xC0 != 0x80:
            needed = 1 if byte < 0xC0 or byte > 0xF4 else 4 if byte >= 0xF0 else 3 if byte >= 0xE0 else 2
            return count if needed > count else 0
    return 0
